"""Where arrays are in memory."""

import ctypes
from typing import Any

import numpy as np

__all__ = ["PLACE", "address_of"]

Array = np.ndarray[Any, Any]


def _place_of_data() -> int | None:
    """Find where an array object has the address of its data: to ask NumPy takes microseconds."""
    samples = [np.empty(3), np.empty((2, 2))[1:], np.zeros((1, 1, 5), np.float32)]
    for place in range(object.__basicsize__, np.ndarray.__basicsize__, 8):
        found = [ctypes.c_void_p.from_address(id(each) + place).value for each in samples]
        if found == [each.__array_interface__["data"][0] for each in samples]:
            return place
    return None


PLACE = _place_of_data()
_read = ctypes.c_void_p.from_address


def address_of(array: Array) -> int:
    """Return the address of the first element."""
    if PLACE is None:
        return array.__array_interface__["data"][0]
    return _read(id(array) + PLACE).value or 0
