"""The verbs of the gallery: which pretrained models there are, under which licence, and which are here already."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from headstart.base.amounts import percent
from headstart.cli import words
from headstart.cli.progress import watching
from headstart.cli.show import columns, facts, in_bytes, in_millions, in_seconds, table, talk
from headstart.cli.words import give

if TYPE_CHECKING:
    from headstart.gallery import ModelCard, Subscription
    from headstart.gallery.card import Input

gallery = typer.Typer(help="Pretrained models: list them, read their cards, subscribe to them.", no_args_is_help=True)
PUBLISHED_COLUMNS, TRAINED_COLUMNS = 72, 110  # from so many on there is room for the published accuracy, and for what a model was trained on
Name = Annotated[str, typer.Argument(metavar="NAME", help="A model's name, as gallery list shows it.")]


@gallery.command("list")
def list_cards(as_json: words.Json = False) -> None:
    """List every model, those that are here already marked."""
    from headstart.gallery import cards

    give_cards(cards(), "no model has a card", as_json=as_json)


@gallery.command()
def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Words of a title, a data set, a licence, an architecture.")], as_json: words.Json = False
) -> None:
    """List the models whose cards speak of TEXT."""
    from headstart.gallery import search as search_cards

    give_cards(search_cards(text), f"no card speaks of {text!r}; headstart gallery list shows all", as_json=as_json)


@gallery.command()
def show(name: Name, as_json: words.Json = False) -> None:
    """Show one model's card: what it is, what it was trained on, what it may be used for, what to beware of."""
    from headstart.gallery import card, is_subscribed

    found, is_here = card(name), is_subscribed(name)
    give({"card": found, "subscribed": is_here}, lambda: card_parts(found, is_here=is_here), as_json=as_json)


@gallery.command()
def subscribe(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names from gallery list, or hf:owner/name, timm:name, folder:/path.")],
    accept: words.Accept = None,
    languages: Annotated[
        str | None,
        typer.Option(metavar="CODES", help="Which languages a text model without a card reads, where its publisher does not say: zh,en; multilingual."),
    ] = None,
    prefix: Annotated[str | None, typer.Option(metavar="TEXT", help="What stands before each text, for such a model: 'query: ' for E5.")] = None,
    as_json: words.Json = False,
) -> None:
    """Fetch models, check their hashes and licences, keep them as safetensors; from then on no network is needed."""
    from headstart import gallery as shelf

    with watching(talk()) as sink:
        spoken = [code.strip() for code in languages.split(",")] if languages is not None else []
        made = [shelf.subscribe(name, accept=accept or [], languages=spoken, prefix=prefix, sink=sink) for name in names]
    give({"subscriptions": made}, lambda: [line for one in made for line in subscription_lines(one)], as_json=as_json)


@gallery.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="All that are here when not given.")] = None, as_json: words.Json = False
) -> None:
    """Read the bytes that are here again and compare them with what was recorded."""
    from headstart import gallery as shelf

    chosen = names or [one.card.name for one in shelf.subscriptions()]
    for name in chosen:
        shelf.verify(name)
    give(
        {"verified": chosen}, lambda: [Text(f"✓ {name}: the bytes are those that were recorded") for name in chosen] or ["nothing is here yet"], as_json=as_json
    )


@gallery.command()
def remove(names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Models to remove from this machine.")], as_json: words.Json = False) -> None:
    """Remove models from this machine; their cards stay, and so do your runs."""
    from headstart import gallery as shelf

    for name in names:
        shelf.remove(name)
    give({"removed": names}, lambda: [Text(f"removed {name}") for name in names], as_json=as_json)


def give_cards(found: Sequence[ModelCard], nothing: str, *, as_json: bool) -> None:
    """Answer with a table of cards."""
    from headstart.gallery import subscriptions

    here = {one.card.name for one in subscriptions()}
    value = {"cards": [{"card": card, "subscribed": card.name in here} for card in found]}
    give(value, lambda: cards_parts(found, here, columns()) if found else [Text(nothing)], as_json=as_json)


def cards_parts(found: Sequence[ModelCard], here: Collection[str], width: int) -> list[RenderableType]:
    """Cards side by side: what decides between them; where a terminal is narrow, without what `show` tells better."""
    names = ["", "name", "takes", "download", "licence"]
    names += [name for name, least in (("published", PUBLISHED_COLUMNS), ("trained on", TRAINED_COLUMNS)) if width >= least]
    rows = [
        (
            "✓" if card.name in here else "",
            card.name,
            takes(card),
            size(card),
            card.licence,
            percent(card.prior.value) if card.prior else "none",
            card.trained_on.what,
        )[: len(names)]
        for card in found
    ]
    shown = table("Models", names, rows, numbers=["download", "published"], whole=["name", "takes"])
    published = " · published: accuracy that its makers report" if "published" in names else ""
    legend = f"✓ is here already{published}\nheadstart gallery show NAME · headstart gallery subscribe NAME"
    return [shown, Text(legend, style="dim")]


def takes(card: ModelCard) -> str:
    """What a model takes: pictures, texts or clips; of a card that somebody wrote, what it says."""
    from headstart.modality import get, names

    return get(card.modality).unit if card.modality in names() else card.modality


def size(card: ModelCard) -> str:
    """The download's size, unknown for a card that has never been fetched."""
    return in_bytes(card.bytes) if card.bytes else "unknown"


def trained_on(card: ModelCard) -> str:
    """What the weights have seen, with how many examples."""
    return f"{card.trained_on.what} ({card.trained_on.n:,})" if card.trained_on.n else card.trained_on.what


def taken(given: Input) -> str:
    """What goes into a network, in words."""
    from headstart.gallery import AudioInput, InputRecipe

    if isinstance(given, InputRecipe):
        return f"{given.size} x {given.size} pixels, {given.interpolation}, centre {percent(given.crop_fraction, 0)}"
    if isinstance(given, AudioInput):
        return f"{given.rate:,} samples a second, {given.least_seconds:g} to {given.most_seconds:g} s"
    before = f", each text behind {given.prefix!r}" if given.prefix else ""
    vectors = "the mean of all tokens" if given.pooling == "mean" else f"the {given.pooling} token"
    return f"texts in {spoken(given.languages)} of up to {given.max_tokens} tokens{before}; features: {vectors}"


def spoken(languages: Collection[str]) -> str:
    """The languages of a card, in words.

    Example:
        >>> spoken(("en",)), spoken(("multilingual", "zh", "en"))
        ('English', 'about a hundred languages (Chinese, English among them)')
    """
    from headstart.modality.language import MANY, TITLES, UNKNOWN

    named = ", ".join(TITLES.get(code, code) for code in languages if code not in (MANY, UNKNOWN))
    if UNKNOWN in languages:
        return "languages that nobody names"
    return named if MANY not in languages else f"about a hundred languages{f' ({named} among them)' if named else ''}"


def card_parts(card: ModelCard, *, is_here: bool) -> list[RenderableType]:
    """One card in full."""
    pairs = [
        ("name", card.name),
        ("here", "yes" if is_here else f"no: headstart gallery subscribe {card.name}"),
        ("made for", f"{card.task} of {card.modality}s"),
        ("trained on", f"{trained_on(card)}, {card.trained_on.kind}"),
        ("published", f"{percent(card.prior.value)} {card.prior.metric} ({card.prior.source})" if card.prior else "nothing published for these weights"),
        ("parameters", in_millions(card.parameters) if card.parameters else "not counted yet"),
        ("input", taken(card.input)),
        ("licence", f"{card.licence}. {card.licence_note}".rstrip(". ")),
        ("price", card.price),
        ("download", size(card)),
        ("source", card.source),
        ("sha256", card.sha256 or "recorded at the first fetch"),
        *(("beside it" if number == 0 else "·", f"{one.name}: {in_bytes(one.bytes)}, {one.source}") for number, one in enumerate(card.files)),
        ("built by", card.architecture),
        *(("beware" if number == 0 else "·", caveat) for number, caveat in enumerate(card.caveats)),
    ]
    return [facts(card.title, pairs)]


def subscription_lines(one: Subscription) -> list[Text]:
    """What a new subscription is, under which licence, and how texts reach it where no card file says it."""
    from headstart.gallery.reads import NOT_SAID

    accepted = ", accepted by you" if one.accepted else ""
    lines = [Text(f"✓ {one.card.name}: {in_bytes(one.bytes)}, {one.licence}{accepted}, {in_seconds(one.seconds)}, sha256 {one.sha256[:12]}…")]
    unsaid = [caveat for caveat in one.card.caveats if caveat in NOT_SAID]
    return lines + [Text(f"  {caveat}; if you know better: headstart gallery subscribe {one.card.name} --languages zh,en") for caveat in unsaid]
