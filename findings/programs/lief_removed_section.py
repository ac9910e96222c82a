"""A section crashes when it is used after it was removed from its ELF binary.

Nothing about it was found in the documentation.
"""

import sys

import lief

elf = lief.ELF.parse(sys.executable)
section = elf.sections[1]
elf.remove(section)
others = [bytearray(b"\xff") * size for size in range(8, 4000, 8)]
print(section.name)
