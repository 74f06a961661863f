"""Neural networks: compositions of the functions of mygrad."""

from mygrad.nnet.activations import *  # noqa: F403
from mygrad.nnet.layers import *  # noqa: F403
from mygrad.nnet.losses import *  # noqa: F403
