"""What a tensor's methods show: `inspect.signature` of each is that of the function it calls."""

import numpy as np

from mygrad.autodiff.operators import Methods
from mygrad.autodiff.overrides import PUBLIC
from mygrad.functions import reductions, shapes  # noqa: F401 - they fill PUBLIC
from mygrad.functions.elementwise import clip

__all__: list[str] = []

Methods.clip = clip  # a plain function is a method as it is

for _name in (
    "cumprod", "cumsum", "max", "mean", "min", "moveaxis", "prod", "ravel", "repeat", "squeeze", "std", "sum",
    "swapaxes", "transpose", "var",
):  # fmt: skip
    getattr(Methods, _name).__wrapped__ = PUBLIC[getattr(np, _name)]
