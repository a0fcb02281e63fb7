#!/bin/sh
# The whole way of one small model, with the commands a user would type.  Run by `make demo`.
set -e
out=build/demo
mkdir -p "$out"

say() { printf '\n== %s\n' "$1"; }
run() { printf '$ %s\n' "$*"; "$@"; }

say "What this machine has"
run tercet doctor

say "The model: layers, shapes, parameters"
run tercet show samples/digits_cnn.model --at N=1

say "Compiled to one script per framework"
run tercet compile samples/digits_cnn.model -t all -o "$out" --force

say "Trained for a moment by every framework on scikit-learn's digits"
for target in tensorflow mxnet pytorch; do
    run tercet train samples/digits_cnn.model -t "$target" -T epochs=3 \
        --save "$out/digits_cnn.safetensors"
done

say "Weights belong to no framework: PyTorch's, exported by every framework from its own graph"
for target in pytorch tensorflow mxnet onnx; do
    run tercet export samples/digits_cnn.model -t "$target" \
        --weights "$out/digits_cnn.safetensors" -o "$out/digits_cnn_$target.onnx"
done

say "Do they compute the same?"
run tercet verify samples/digits_cnn.model --weights "$out/digits_cnn.safetensors" -o "$out"
