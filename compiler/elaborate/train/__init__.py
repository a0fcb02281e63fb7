"""The `train` declarations: data, loss, metrics and settings become graphs."""
