"""BERT, DistilBERT, RoBERTa, MPNet and XLNet from plain values: every token sees every other; the modules are those of the transformers library.

In: checked values of a configuration and the kind of pooling. Out: a TextNetwork.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from transformers import BertConfig, DistilBertConfig, MPNetConfig, RobertaConfig, XLNetConfig
from transformers.models.bert.modeling_bert import BertEmbeddings, BertLayer
from transformers.models.distilbert.modeling_distilbert import Embeddings as DistilBertEmbeddings
from transformers.models.distilbert.modeling_distilbert import TransformerBlock
from transformers.models.mpnet.modeling_mpnet import MPNetEmbeddings, MPNetEncoder, MPNetLayer
from transformers.models.roberta.modeling_roberta import RobertaEmbeddings, RobertaLayer
from transformers.models.xlnet.modeling_xlnet import XLNetLayer

from headstart.backbone.networks.text import Family, Pool, TextNetwork, configured, seen
from headstart.gallery.card import Value

LONGEST_WAVE = 10_000.0  # XLNet's positions; source: Yang et al., XLNet, 2019, after Vaswani et al., 2017


class _FromTokens:
    """An embedding that takes our tokens: padding stands for any token, since nobody reads what becomes of it."""

    is_atom = True

    def forward(self, ids: Tensor) -> Tensor:
        """Tokens (n, L) to vectors (n, L, d)."""
        return super().forward(input_ids=ids.clamp(min=0))  # type: ignore[misc]


class _FromTokensBehindPadding:
    """The same where positions begin behind that of the padding."""

    is_atom = True

    def forward(self, ids: Tensor) -> Tensor:
        """Tokens (n, L) to vectors (n, L, d)."""
        places = torch.arange(ids.shape[1], device=ids.device)[None] + (self.padding_idx + 1)  # type: ignore[attr-defined]
        return super().forward(input_ids=ids.clamp(min=0), position_ids=places)  # type: ignore[misc]


class _Masked:
    """A layer that sees all tokens and no padding."""

    is_atom = True

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Vectors (n, L, d) of tokens, ones (n, L) where they are real, to vectors (n, L, d)."""
        return super().forward(x, attention_mask=seen(mask))  # type: ignore[misc]


class BertEmbed(_FromTokens, BertEmbeddings):
    """Words, positions and the first segment."""


class BertBlock(_Masked, BertLayer):
    """One layer of BERT."""


class DistilBertEmbed(_FromTokens, DistilBertEmbeddings):
    """Words and positions."""


class DistilBertBlock(_Masked, TransformerBlock):
    """One layer of DistilBERT."""


class RobertaEmbed(_FromTokensBehindPadding, RobertaEmbeddings):
    """Words, positions and the only segment."""


class RobertaBlock(_Masked, RobertaLayer):
    """One layer of RoBERTa or XLM-RoBERTa."""


class MPNetEmbed(_FromTokensBehindPadding, MPNetEmbeddings):
    """Words and positions."""


class MPNetBlock(MPNetLayer):
    """One layer of MPNet with a bias for distances of its own: published weights share one, but nothing may be shared across a cut."""

    is_atom = True

    def __init__(self, configuration: MPNetConfig) -> None:
        super().__init__(configuration)
        self.relative_attention_bias = nn.Embedding(configuration.relative_attention_num_buckets, configuration.num_attention_heads)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Vectors (n, L, d) of tokens, ones (n, L) where they are real, to vectors (n, L, d)."""
        places = torch.arange(x.shape[1], device=x.device)
        buckets = MPNetEncoder.relative_position_bucket(places[None, :] - places[:, None])
        bias = self.relative_attention_bias(buckets).permute(2, 0, 1)[None]
        output: Tensor = super().forward(x, attention_mask=seen(mask), position_bias=bias)[0]
        return output


class XLNetEmbed(nn.Module):
    """Words only: positions are relative, in each layer."""

    is_atom = True

    def __init__(self, configuration: XLNetConfig) -> None:
        super().__init__()
        self.word_embedding = nn.Embedding(configuration.vocab_size, configuration.d_model)
        self.dropout = nn.Dropout(configuration.dropout)

    def forward(self, ids: Tensor) -> Tensor:
        """Tokens (n, L) to vectors (n, L, d)."""
        x: Tensor = self.dropout(self.word_embedding(ids.clamp(min=0)))
        return x


class XLNetBlock(XLNetLayer):
    """One layer of XLNet, its content stream alone; inside, the tokens' axis comes first."""

    is_atom = True

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Vectors (n, L, d) of tokens, ones (n, L) where they are real, to vectors (n, L, d)."""
        n, length, width = x.shape
        places = torch.arange(length, device=x.device)
        others = (places[:, None] != places[None, :]).to(mask.dtype)  # padding sees itself, as in the published code: there is always something to see
        hidden = (1 - mask).transpose(0, 1)[None] * others[:, :, None]
        distances = torch.arange(2 * length, device=x.device).to(mask.dtype)
        waves = (length - distances)[:, None] / LONGEST_WAVE ** (torch.arange(0, width, 2, device=x.device).to(mask.dtype) / width)
        positions = torch.cat([waves.sin(), waves.cos()], dim=-1)[:, None].expand(-1, n, -1)
        output: Tensor = super().forward(x.transpose(0, 1), None, hidden[..., None], None, self.dropout(positions), None)[0]
        return output.transpose(0, 1)


def _layers(configuration: object, maker: type[nn.Module]) -> list[nn.Module]:
    return [maker(configuration) for _ in range(configuration.num_hidden_layers)]  # type: ignore[attr-defined]


def bert(values: Mapping[str, Value], pooling: str) -> TextNetwork:
    """BERT and all that is built like it: MiniLM, E5, BGE. Source: Devlin et al., 2018."""
    configuration = configured(BertConfig, values)
    return TextNetwork(BertEmbed(configuration), _layers(configuration, BertBlock), Pool(pooling))


def distilbert(values: Mapping[str, Value], pooling: str) -> TextNetwork:
    """DistilBERT. Source: Sanh et al., 2019."""
    configuration = configured(DistilBertConfig, values)
    return TextNetwork(DistilBertEmbed(configuration), _layers(configuration, DistilBertBlock), Pool(pooling))


def roberta(values: Mapping[str, Value], pooling: str) -> TextNetwork:
    """RoBERTa and XLM-RoBERTa. Sources: Liu et al., 2019; Conneau et al., 2019."""
    configuration = configured(RobertaConfig, values)
    return TextNetwork(RobertaEmbed(configuration), _layers(configuration, RobertaBlock), Pool(pooling))


def mpnet(values: Mapping[str, Value], pooling: str) -> TextNetwork:
    """MPNet. Source: Song et al., 2020."""
    configuration = configured(MPNetConfig, values)
    return TextNetwork(MPNetEmbed(configuration), _layers(configuration, MPNetBlock), Pool(pooling))


def xlnet(values: Mapping[str, Value], pooling: str) -> TextNetwork:
    """XLNet, seen from both sides. Source: Yang et al., 2019."""
    configuration = configured(XLNetConfig, values)
    return TextNetwork(XLNetEmbed(configuration), _layers(configuration, XLNetBlock), Pool(pooling))


_EMBEDDINGS, _POOLER = (r"^embeddings\.", "embed."), ("pooler", "cls", "classifier", "qa_outputs", "lm_head")
_OLD_NORMS = ((r"LayerNorm\.gamma$", "LayerNorm.weight"), (r"LayerNorm\.beta$", "LayerNorm.bias"))
_LIKE_BERT = (_EMBEDDINGS, (r"^encoder\.layer\.", "layers."), *_OLD_NORMS)

FAMILIES = {
    "bert": Family(bert, ((r"^bert\.", ""), *_LIKE_BERT), _POOLER),
    "distilbert": Family(distilbert, ((r"^distilbert\.", ""), _EMBEDDINGS, (r"^transformer\.layer\.", "layers."), *_OLD_NORMS),
                         ("vocab_transform", "vocab_layer_norm", "vocab_projector", "pre_classifier", "classifier", "qa_outputs")),
    "roberta": Family(roberta, ((r"^roberta\.", ""), *_LIKE_BERT), _POOLER),
    "xlm-roberta": Family(roberta, ((r"^roberta\.", ""), *_LIKE_BERT), _POOLER),
    "mpnet": Family(mpnet, ((r"^mpnet\.", ""), *_LIKE_BERT), _POOLER),
    "xlnet": Family(xlnet, ((r"^transformer\.", ""), (r"^layer\.", "layers."), (r"^word_embedding\.", "embed.word_embedding.")),
                    ("mask_emb", "lm_loss", "sequence_summary", "logits_proj")),
}  # fmt: skip
