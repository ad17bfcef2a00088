"""The verdict as one line in English and in Chinese: Verdict in, str out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headstart.evaluation.intervals import Gain, Measured
    from headstart.evaluation.verdict import Cut, Language, Verdict

MINUS = "\N{MINUS SIGN}"
MANY_EPOCHS = 10.0  # from which tenths no longer matter
METRIC_WORDS = {
    "en": {
        "accuracy": "accuracy",
        "balanced_accuracy": "balanced accuracy",
        "precision": "macro precision",
        "recall": "macro recall",
        "f1": "macro F1",
        "log_loss": "log-loss (hundredths of a nat)",
    },
    "zh": {
        "accuracy": "准确率",
        "balanced_accuracy": "平衡准确率",
        "precision": "宏平均精确率",
        "recall": "宏平均召回率",
        "f1": "宏平均 F1",
        "log_loss": "对数损失（百分之一奈特）",
    },
}


def number(value: float, *, signed: bool = False) -> str:
    """One decimal, a real minus sign, no negative zero.

    Example:
        >>> number(7.25, signed=True), number(-0.04), number(-3)
        ('+7.2', '0.0', '−3.0')
    """
    rounded = round(value, 1) + 0.0
    sign = MINUS if rounded < 0 else "+" if signed and rounded > 0 else ""
    return f"{sign}{abs(rounded):.1f}"


def epochs(count: float) -> str:
    """How often a network saw its items.

    Example:
        >>> epochs(0.44), epochs(1.0), epochs(14.3)
        ('0.4 epochs', '1 epoch', '14 epochs')
    """
    told = f"{count:.0f}" if count >= MANY_EPOCHS else f"{count:.1f}".removesuffix(".0")
    return f"{told} epoch{'' if told == '1' else 's'}"


def in_rounds(rounds: tuple[int, int] | None) -> str:
    """Where the twin is a head on frozen random features, if not everywhere: how many rounds there are, and in how many of them it is.

    Example:
        >>> in_rounds((5, 2)), in_rounds((5, 5)), in_rounds(None)
        (' in 2 of 5 rounds', '', '')
    """
    return "" if rounds is None or rounds[0] == rounds[1] else f" in {rounds[1]} of {rounds[0]} rounds"


def sentence(verdict: Verdict, language: Language) -> str:
    """The first line people read: helped or not, by how much over what, and what they get.

    The twin is called trained from scratch only where it is; where a head on its frozen random features knew more, it is the network without its pretraining.
    """
    return _chinese(verdict) if language == "zh" else _english(verdict)


def cut_words(cut: Cut, language: Language = "en") -> str:
    """What was retrained, in words."""
    if language == "zh":
        words: dict[int | None, str] = {None: "全部重新训练", 0: "只训练新的分类头", 1: "重新训练最后 1 个模块"}
        return words.get(cut.n_blocks, f"重新训练最后 {cut.n_blocks} 个模块")
    words = {None: "everything retrained", 0: "only a new head trained", 1: "last block retrained"}
    return words.get(cut.n_blocks, f"last {cut.n_blocks} blocks retrained")


def _english(verdict: Verdict) -> str:
    opening = {"yes": "Transfer helped", "no": "Transfer did not help", "cannot tell": "Cannot tell whether transfer helped"}[verdict.helped]
    metric, over = METRIC_WORDS["en"][verdict.metric], verdict.gain_over_scratch
    if over is None:
        alone = "compared neither with the same network from scratch nor with a plain model"
        reason = f"it was {alone if verdict.gain_over_plain is None else 'not compared with the same network from scratch'}"
        first = f"{opening}: {reason}; {metric} {_score(verdict.test, verdict.metric)}"
    else:
        by = f"{number(over.points, signed=True)} points {metric} (95 % {_ends(over, ' to ')})"
        first = f"{opening}: {by} over the same network {'without its pretraining' if verdict.scratch_frozen else 'from scratch in the same time'}"
        first += _english_doubt(verdict)
    plain = verdict.gain_over_plain
    if plain is None:
        second = "" if over is None else "; it was not compared with a plain model"
    elif plain.high < 0:
        second = f"; a plain model was better by {number(-plain.points)} points ({number(-plain.high)} to {number(-plain.low)})"
    else:
        close = "" if plain.low > 0 else ", too close to call"
        second = f", {number(plain.points, signed=True)} ({_ends(plain, ' to ')}) over a plain model{close}"
    what = f"{verdict.title}, {cut_words(verdict.cut)}"
    return f"{first}{second}. {_english_choice(verdict, what)}"


def _english_doubt(verdict: Verdict) -> str:
    """Why a gain that lies above 0 is not called help."""
    if verdict.doubt == "random" and (over := verdict.gain_over_random) is not None:
        return f", but {number(over.points, signed=True)} ({_ends(over, ' to ')}) over a head on its random features"
    starved = f", which got through its items in {epochs(verdict.scratch_epochs or 0.0)}; no head on its random features was there to compare with"
    return starved if verdict.doubt == "starved" else ""


def _english_choice(verdict: Verdict, what: str) -> str:
    if verdict.chosen == "transfer":
        return f"{what}, because {verdict.why}." if verdict.why else f"{what}."
    winner = {"plain": "the plain model", "scratch": f"the same network {'without its pretraining' if verdict.scratch_frozen else 'from scratch'}"}[
        verdict.chosen
    ]
    return f"You get {winner}: it did better on validation than {what}."


def _chinese(verdict: Verdict) -> str:
    opening = {"yes": "迁移学习有帮助", "no": "迁移学习没有帮助", "cannot tell": "无法判断迁移学习是否有帮助"}[verdict.helped]
    metric, over, plain = METRIC_WORDS["zh"][verdict.metric], verdict.gain_over_scratch, verdict.gain_over_plain
    if over is None:
        alone = "也没有与简单模型比较" if plain is None else ""
        first = f"{opening}：没有与从零训练的同一网络比较{alone and '，' + alone}；{metric} {_score(verdict.test, verdict.metric, ' 至 ')}"
    else:
        twin = "没有预训练的同一网络" if verdict.scratch_frozen else "相同时间内从零训练的同一网络"
        first = f"{opening}：与{twin}相比，{metric} {number(over.points, signed=True)} 个百分点（95 % 区间 {_ends(over, ' 至 ')}）{_chinese_doubt(verdict)}"
    if plain is None:
        second = "" if over is None else "；没有与简单模型比较"
    elif plain.high < 0:
        second = f"；简单模型更好，高 {number(-plain.points)}（{number(-plain.high)} 至 {number(-plain.low)}）"
    else:
        close = "" if plain.low > 0 else "，差距太小，无法判断"
        second = f"；与简单模型相比 {number(plain.points, signed=True)}（{_ends(plain, ' 至 ')}）{close}"
    what = f"{verdict.title}，{cut_words(verdict.cut, 'zh')}"
    if verdict.chosen == "transfer":
        return f"{first}{second}。{what}。"
    winner = {"plain": "简单模型", "scratch": "没有预训练的同一网络" if verdict.scratch_frozen else "从零训练的同一网络"}[verdict.chosen]
    return f"{first}{second}。最终采用{winner}：它在验证集上胜过 {what}。"


def _chinese_doubt(verdict: Verdict) -> str:
    """Why a gain that lies above 0 is not called help."""
    if verdict.doubt == "random" and (over := verdict.gain_over_random) is not None:
        return f"，但与其随机特征上的分类头相比为 {number(over.points, signed=True)}（{_ends(over, ' 至 ')}）"
    return f"，但该网络只训练了 {number(verdict.scratch_epochs or 0.0)} 轮，也没有其随机特征上的分类头可比" if verdict.doubt == "starved" else ""


def _ends(gain: Gain, between: str) -> str:
    return f"{number(gain.low)}{between}{number(gain.high)}"


def _score(measured: Measured, metric: str, between: str = " to ") -> str:
    if metric == "log_loss":
        return f"{measured.value:.3f} (95 % {measured.low:.3f}{between}{measured.high:.3f})"
    value, low, high = (number(100 * part) for part in (measured.value, measured.low, measured.high))
    return f"{value} % (95 % {low}{between}{high})"
