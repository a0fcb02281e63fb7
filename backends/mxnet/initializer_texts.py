"""The text of the initializers that MXNet lacks, as it stands in scripts."""

from __future__ import annotations

INITIALIZERS = {
    "GateWiseOrthogonal": '''\
class GateWiseOrthogonal(mx.init.Initializer):
    """Orthogonal recurrent weights, gate by gate (Saxe et al., 2014)."""

    def __init__(self, gates):
        super().__init__(gates=gates)
        self.gates = gates

    def _init_weight(self, _, array):
        units = array.shape[1]
        normal = np.random.normal(size=(self.gates, units, units))
        array[:] = np.concatenate([np.linalg.qr(gate)[0] for gate in normal])''',
    "Orthogonal": '''\
class Orthogonal(mx.init.Initializer):
    """An orthogonal matrix times `gain` (Saxe et al., 2014)."""

    def __init__(self, gain=1.0):
        super().__init__(gain=gain)
        self.gain = gain

    def _init_weight(self, _, array):
        rows, columns = array.shape[0], array.size // array.shape[0]
        normal = np.random.normal(size=(max(rows, columns), min(rows, columns)))
        matrix = np.linalg.qr(normal)[0]
        matrix = matrix if rows >= columns else matrix.T
        array[:] = self.gain * matrix.reshape(array.shape)''',
    "UniformBetween": """\
class UniformBetween(mx.init.Initializer):
    def __init__(self, low, high):
        super().__init__(low=low, high=high)
        self.low, self.high = low, high

    def _init_weight(self, _, array):
        array[:] = np.random.uniform(self.low, self.high, array.shape)""",
    "NormalAround": """\
class NormalAround(mx.init.Initializer):
    def __init__(self, mean, std):
        super().__init__(mean=mean, std=std)
        self.mean, self.std = mean, std

    def _init_weight(self, _, array):
        array[:] = np.random.normal(self.mean, self.std, array.shape)""",
    "TruncatedNormal": '''\
class TruncatedNormal(mx.init.Initializer):
    """A normal distribution redrawn outside two standard deviations."""

    def __init__(self, std, mean=0.0):
        super().__init__(std=std, mean=mean)
        self.std, self.mean = std, mean

    def _init_weight(self, _, array):
        values = np.random.normal(size=array.shape)
        while (outside := np.abs(values) > 2).any():
            values[outside] = np.random.normal(size=outside.sum())
        array[:] = self.std * values + self.mean''',
    "Identity": """\
class Identity(mx.init.Initializer):
    def _init_weight(self, _, array):
        array[:] = np.eye(*array.shape)""",
}
