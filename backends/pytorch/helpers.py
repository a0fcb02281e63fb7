"""Short functions that a script gets only where its model calls them."""

from __future__ import annotations

from collections.abc import Iterable

from compiler.codegen.pieces import Piece

_HELPERS = {
    "initialized": '''\
def initialized(module, **functions):
    """The layer with initial values of its own, which `initialize` then leaves alone."""
    for name, fill in functions.items():
        fill(getattr(module, name).data)
    module.has_own_initial_values = True
    return module''',
    "one_bias": '''\
def one_bias(layer):
    """Freeze the second bias that PyTorch gives a recurrent layer, at zero."""
    for name, parameter in layer.named_parameters():
        if name.startswith("bias_hh"):
            nn.init.zeros_(parameter)
            parameter.requires_grad_(False)
    return layer''',
    "RMSNorm": '''\
class RMSNorm(nn.Module):
    """x / sqrt(mean(x**2) + eps) * weight over the last axes, written out for the exporter."""

    def __init__(self, shape, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape))
        self.eps = eps

    def forward(self, x):
        axes = tuple(range(-self.weight.dim(), 0))
        return x * torch.rsqrt(x.square().mean(axes, keepdim=True) + self.eps) * self.weight''',
}


def helper_pieces(names: Iterable[str]) -> list[Piece]:
    """The definitions of these helpers, in a fixed order.  KeyError for an unknown one."""
    return [Piece(_HELPERS[name]) for name in sorted(names, key=list(_HELPERS).index)]
