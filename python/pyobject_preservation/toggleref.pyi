from ._strategy import *
