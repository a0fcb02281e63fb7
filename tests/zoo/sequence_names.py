"""What libraries call the parameters of the transformers of samples/zoo."""

from __future__ import annotations

import re

from tests.zoo.names import replaced


def gpt2(path: str) -> str:
    """The GPT-2 of transformers: `transformer.h.0.attn.c_attn.weight`."""
    return replaced(
        path,
        (r"^embed\.", "transformer.wte."),
        (r"^position$", "transformer.wpe.weight"),
        (r"^last_norm", "transformer.ln_f"),
        (r"^encoder_layer", "transformer.h"),
        (r"\.norm(\d)", r".ln_\1"),
        (r"attention\.project", "attn.c_attn"),
        (r"attention\.merge", "attn.c_proj"),
        (r"feed_forward\.expand_dense", "mlp.c_fc"),
        (r"feed_forward\.project", "mlp.c_proj"),
    )


def bert(path: str) -> str:
    """The BERT of transformers: `encoder.layer.0.attention.self.query.weight`."""
    return replaced(
        path,
        (r"^word", "embeddings.word_embeddings"),
        (r"^position$", "embeddings.position_embeddings.weight"),
        (r"^kind", "embeddings.token_type_embeddings"),
        (r"^norm", "embeddings.LayerNorm"),
        (r"^pooler", "pooler.dense"),
        (r"^encoder_layer", "encoder.layer"),
        (r"attention\.(query|key|value)", r"attention.self.\1"),
        (r"attention\.merge", "attention.output.dense"),
        (r"\.norm1", ".attention.output.LayerNorm"),
        (r"\.norm2", ".output.LayerNorm"),
        (r"feed_forward\.expand_dense", "intermediate.dense"),
        (r"feed_forward\.project", "output.dense"),
    )


def llama(path: str) -> str:
    """The LLaMA of transformers: `model.layers.0.self_attn.q_proj.weight`."""
    return replaced(
        path,
        (r"^embedding", "model.embed_tokens"),
        (r"^last_norm", "model.norm"),
        (r"^head", "lm_head"),
        (r"^encoder_layer", "model.layers"),
        (r"attention\.query", "self_attn.q_proj"),
        (r"attention\.key", "self_attn.k_proj"),
        (r"attention\.value", "self_attn.v_proj"),
        (r"attention\.merge", "self_attn.o_proj"),
        (r"\.norm1", ".input_layernorm"),
        (r"\.norm2", ".post_attention_layernorm"),
        (r"feed_forward\.expand_dense", "mlp.up_proj"),
        (r"feed_forward\.gate", "mlp.gate_proj"),
        (r"feed_forward\.project", "mlp.down_proj"),
    )


def vit(path: str) -> str:
    """torchvision's ViT: `encoder.layers.encoder_layer_0.ln_1.weight`."""
    return replaced(
        path,
        (r"^token$", "class_token"),
        (r"^position$", "encoder.pos_embedding"),
        (r"^embed\.project", "conv_proj"),
        (r"^last_norm", "encoder.ln"),
        (r"^head", "heads.head"),
        (r"^encoder_layer\.(\d+)", r"encoder.layers.encoder_layer_\1"),
        (r"\.norm(\d)", r".ln_\1"),
        (r"attention\.project\.", "self_attention.in_proj_"),
        (r"attention\.merge", "self_attention.out_proj"),
        (r"feed_forward\.expand_dense", "mlp.0"),
        (r"feed_forward\.project", "mlp.3"),
    )


def swin(path: str) -> str:
    """torchvision's Swin: `features.1.0.attn.qkv.weight`; stages and mergings take turns."""
    path = re.sub(
        r"^(norm\d|attention|feed_forward)\.(\d+)\.(\d+)",
        lambda m: f"features.{2 * int(m[2]) + 1}.{m[3]}.{m[1]}",
        path,
    )
    path = re.sub(
        r"^(dense|layer_norm_1)\.(\d+)", lambda m: f"features.{2 * int(m[2])}.{m[1]}", path
    )
    return replaced(
        path,
        (r"^conv2d", "features.0.0"),
        (r"^layer_norm\.", "features.0.2."),
        (r"^layer_norm_2", "norm"),
        (r"^dense_1", "head"),
        (r"^(features\.\d)\.layer_norm_1", r"\1.norm"),
        (r"^(features\.\d)\.dense", r"\1.reduction"),
        (r"attention\.dense_1", "attn.proj"),
        (r"attention\.dense", "attn.qkv"),
        (r"attention\.relative_position_bias\.table", "attn.relative_position_bias_table"),
        (r"feed_forward\.expand_dense", "mlp.0"),
        (r"feed_forward\.project", "mlp.3"),
    )
