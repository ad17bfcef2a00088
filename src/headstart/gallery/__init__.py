"""Gallery: model cards, licences, sources and verified bytes (floor 1). A model is subscribed to once; then its weights are here, offline."""

from __future__ import annotations

from headstart.gallery.card import AudioInput, CardFile, InputRecipe, ModelCard, Prior, TextInput, TrainedOn
from headstart.gallery.catalogue import DEFAULT, DEFAULTS, card, cards, is_written, search
from headstart.gallery.fetch import fetch_archive
from headstart.gallery.shelf import Subscription, subscription, subscriptions
from headstart.gallery.shelf import folder_of as folder
from headstart.gallery.subscribing import is_subscribed, remove, subscribe, verify, weights

__all__ = [
    "DEFAULT",
    "DEFAULTS",
    "AudioInput",
    "CardFile",
    "InputRecipe",
    "ModelCard",
    "Prior",
    "Subscription",
    "TextInput",
    "TrainedOn",
    "card",
    "cards",
    "fetch_archive",
    "folder",
    "is_subscribed",
    "is_written",
    "remove",
    "search",
    "subscribe",
    "subscription",
    "subscriptions",
    "verify",
    "weights",
]
