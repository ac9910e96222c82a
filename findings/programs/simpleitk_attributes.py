"""A transform that a CompositeTransform holds loses its attributes, even while the wrapper lives.

Nothing about it was found in the documentation.
"""

import sys

import SimpleITK as sitk

shift = sitk.TranslationTransform(2, (1.0, 2.0))
shift.note = "mine"
composite = sitk.CompositeTransform(2)
composite.AddTransform(shift)
held = composite.GetNthTransform(0)
sys.exit(10 if held.GetParameters() == (1.0, 2.0) and not hasattr(held, "note") else 0)
