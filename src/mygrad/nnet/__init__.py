"""Neural networks: compositions of the functions of mygrad."""

from mygrad.nnet.activations import *
from mygrad.nnet.initializers import *
from mygrad.nnet.layers import *
from mygrad.nnet.losses import *
from mygrad.nnet.normalization import *
from mygrad.nnet.recurrent import *
