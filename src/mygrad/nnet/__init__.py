"""Neural networks: compositions of the functions of mygrad."""

from mygrad.nnet.activations import *
from mygrad.nnet.layers import *
from mygrad.nnet.losses import *
