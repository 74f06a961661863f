"""What `mygrad` imports when it is first asked for, so that it imports quickly."""

from importlib import import_module
from typing import Any

from mygrad.autodiff import overrides

__all__ = ["NAMES", "find"]

MODULES = {
    "array_api": "from_dlpack",
    "autodiff.derivatives": "grad value_and_grad vjp",
    "autodiff.joint": "custom_rule stop_gradient",
    "autodiff.matrices": "hessian jacobian",
    "autodiff.recompute": "checkpoint",
    "autodiff.tangents": "hvp jvp linearize",
    "configuration": "show_config",
    "convolution": "use_algorithm use_threads",
    "functions.complex_numbers": "angle imag real real_if_close",
    "functions.contractions": "cross dot inner kron outer tensordot trace vdot",
    "functions.choices": (
        "apply_along_axis apply_over_axes block broadcast_arrays choose meshgrid piecewise select trim_zeros"
    ),
    "functions.covariances": "corrcoef cov cumulative_prod cumulative_sum",
    "functions.floats": "frexp heaviside i0 ldexp modf nextafter",
    "functions.grids": "gradient",
    "functions.joints": "",
    "functions.polynomials": (
        "poly polyadd polyder polydiv polyfit polyint polymul polysub polyval roots vander"
    ),
    "functions.sets": "",
    "functions.writes": "",
    "functions.rearrangements": (
        "append array_split column_stack compress delete diag diagflat diagonal dsplit dstack extract flip "
        "fliplr flipud hsplit hstack insert matrix_transpose pad partition resize rollaxis rot90 sort split "
        "take take_along_axis tile tril triu unstack vsplit vstack"
    ),
    "functions.signal": "convolve correlate",
    "functions.statistics": (
        "average diff ediff1d interp median nan_to_num nancumprod nancumsum nanmax nanmean nanmedian nanmin "
        "nanpercentile nanprod nanquantile nanstd nansum nanvar percentile ptp quantile trapezoid unwrap"
    ),
    "functions.tapers": "bartlett blackman hamming hanning kaiser",
    "functions.ufunc_methods": "",
    "io": "load save",
    "windows": "sliding_window_view",
}
"""Module below `mygrad` -> the names that `mygrad` takes from it."""

NAMESPACES = {"array_api", "computational_graph", "fft", "linalg", "nnet", "operation_base"}
"""Modules that are names of `mygrad` themselves."""

overrides.LATE.extend(
    f"mygrad.{path}"
    for path in ("autodiff.copies", "display", "fft", "linalg", *MODULES)
    if path == "array_api" or path not in MODULES or path.startswith("functions.")
)

_HOMES = {name: path for path, names in MODULES.items() for name in names.split()}
NAMES = NAMESPACES | _HOMES.keys()


def find(name: str) -> Any:
    """Return what `mygrad.<name>` is, by importing its module.

    Raises
    ------
    AttributeError
        If there is no such name.
    """
    if name in NAMESPACES:
        return import_module(f"mygrad.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'mygrad' has no attribute {name!r}")
    return getattr(import_module(f"mygrad.{_HOMES[name]}"), name)
