"""Which models can read the data set's language: cards and texts in, the cards that can out; the others are named with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from headstart import gallery
from headstart.base.amounts import percent, several
from headstart.base.errors import InputError
from headstart.base.events import Event, Sink
from headstart.data import Dataset
from headstart.data import languages as noticed
from headstart.gallery.card import ModelCard, TextInput
from headstart.modality.encoding import decoded
from headstart.modality.language import LEAST_SHARE, TITLES, UNKNOWN, not_read, sentence, suits
from headstart.ranking.combine import LeftOut
from headstart.study.items import PreparedItems

SAMPLE, FEW = 256, 0.02  # texts that are looked at; of these, too long ones that are not worth a word


def cut_short(card: ModelCard, items: PreparedItems, sink: Sink) -> None:
    """Say how many texts a network reads the beginning of only, where that is more than a few.

    Args:
        card: The network's.
        items: Prepared for it; some are looked at.
        sink: Hears of it.
    """
    if not isinstance(card.input, TextInput):
        return
    most, n = card.input.max_tokens, len(items.content)
    looked_at = range(0, n, max(1, n // SAMPLE))
    share = sum(len(items.prepare(place)) >= most for place in looked_at) / len(looked_at)
    if share > FEW:
        text = f"{card.title} reads the first {most} tokens of a text: of about {percent(share, 0)} of the texts the end may not be seen"
        sink(Event("note", "candidates", text=text))


@dataclass(eq=False)
class Strange:
    """Counts the texts that a finished run is asked about and whose language its model was not taught.

    Attributes:
        languages: What the model reads; empty where nothing is counted: of pictures, sounds and a plain model of which no run says what it learnt from.
    """

    languages: tuple[str, ...]
    _asked: int = 0
    _counts: Counter[str] = field(default_factory=Counter)

    def look(self, contents: Sequence[bytes]) -> None:
        """Count these texts too."""
        if self.languages:
            self._asked += len(contents)
            self._counts += not_read([decoded(content)[0] for content in contents], self.languages)

    def tell(self, sink: Sink) -> None:
        """Say once how many there were, where there was one."""
        if n := self._counts.total():
            which, reads = (", ".join(TITLES.get(one, one) for one in some) for some in (list(self._counts), self.languages))
            said = f"beware: {n:,} of {several(self._asked, 'text')} {'is' if n == 1 else 'are'} in {which}, and this run's model reads {reads}: "
            sink(Event("note", "predict", text=f"{said}what it says of {'it' if n == 1 else 'them'}, and how sure it is, means nothing"))


def learnt(dataset: Dataset) -> tuple[str, ...]:
    """The languages that a plain model learns from texts: it knows the words that it has seen, and no others; empty for other kinds of data."""
    return tuple(language for language, share in noticed(dataset).items() if share >= LEAST_SHARE)


def readers(cards: Sequence[ModelCard], dataset: Dataset, outside: list[LeftOut], sink: Sink) -> list[ModelCard]:
    """The cards whose networks read the language that was noticed; of other kinds of data all of them.

    Args:
        cards: Candidates.
        dataset: Of texts, some of which are looked at.
        outside: Takes up those that cannot read it, and why.
        sink: Hears what was noticed.

    Raises:
        InputError: when none can; the multilingual one to subscribe to is named.
    """
    if dataset.modality != "text":
        return list(cards)
    shares = noticed(dataset)
    if said := sentence(shares):
        sink(Event("note", "candidates", text=said))
    languages = ", ".join(TITLES.get(one, one) for one, share in shares.items() if share >= LEAST_SHARE)
    able = []
    for card in cards:
        if isinstance(card.input, TextInput) and not suits(card.input.languages, shares):
            known = ",".join(dict.fromkeys((*card.input.languages, *shares)))
            way = "" if gallery.is_written(card.name) else f"; if it reads them too: headstart gallery subscribe {card.name} --languages {known}"
            outside.append(LeftOut(card.name, f"language: the texts are in {languages}, it reads {', '.join(card.input.languages)}{way}"))
            continue
        if isinstance(card.input, TextInput) and UNKNOWN in card.input.languages and shares:
            how = f"headstart gallery subscribe {card.name} --languages zh (or en, or multilingual)"
            sink(Event("note", "candidates", text=f"nobody says which languages {card.name} reads: it competes; if you know them: {how}"))
        able.append(card)
    if not able:
        many = [card.name for card in gallery.cards() if isinstance(card.input, TextInput) and suits({*card.input.languages} - {UNKNOWN}, shares)]
        raise InputError(
            f"none of the models that may compete reads {languages}",
            got=", ".join(card.name for card in cards),
            allowed=many,
            fix=_way_in(many, outside),
        )
    return able


def _way_in(many: Sequence[str], outside: Sequence[LeftOut]) -> str:
    """What lets a model compete that reads the texts: one that is subscribed already was kept out by ``--model`` or by a limit."""
    here = next((name for name in many if gallery.is_subscribed(name)), None)
    if here is None:
        return f"headstart gallery subscribe {many[0]}" if many else "write a card for a multilingual model"
    limit = next((one.why.split(":", 1)[0] for one in outside if one.model == here and one.why.startswith("--")), None)
    return f"leave {limit} out or widen it" if limit else f"--model {here}, or leave --model out"
