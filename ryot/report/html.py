"""The report as one HTML page that needs nothing else: no script, no font, no image from elsewhere. Everything shown is escaped."""

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ryot.report import charts
from ryot.report.ablation import ablation_chart, ablations, parts_of
from ryot.report.claims_view import shown, word_of
from ryot.report.comparison import rows_of
from ryot.report.datasheet import funnel_chart, reasons
from ryot.report.drawing import Chart
from ryot.report.load_charts import batch_chart, pace_chart
from ryot.report.plain import plain
from ryot.report.scores import rows_of_scores
from ryot.report.summary import Summary
from ryot.report.sweep import rows_of_sweep, sweep_charts
from ryot.report.tuning import rows_of_tuning
from ryot.report.validation import rows_of_validation, tally
from ryot.report.wording import MARKS, found, outcome, status_of, together
from ryot.units import show, show_seconds


def to_html(summary: Summary) -> str:
    """The whole page."""
    return (
        _environment()
        .get_template("page.html")
        .render(
            summary=summary,
            heading=summary.heading,
            outcome=outcome(summary),
            together=together(summary.verdicts),
            counts=[(status, sum(v.status == status for v in summary.verdicts)) for status in MARKS],
            verdicts=[(verdict, charts.interval_chart(verdict)) for verdict in summary.verdicts],
            comparison=None if summary.comparison is None else rows_of(summary.comparison),
            training=_training_charts(summary),
            ablation=ablation_chart(parts_of(summary)),
            sweep=None if summary.sweep is None else rows_of_sweep(summary.sweep),
            sweep_charts=[] if summary.sweep is None else sweep_charts(summary.sweep),
            scores=[] if summary.scores is None else rows_of_scores(summary.scores),
            validation=None if summary.validation is None else rows_of_validation(summary.validation),
            tally=None if summary.validation is None else tally(summary.validation),
            tuning=None if summary.tuning is None else rows_of_tuning(summary.tuning),
            funnel=None if summary.datasheet is None else funnel_chart(summary.datasheet),
            latency=_latency_charts(summary),
            load=[chart for chart in (batch_chart(summary.rates), pace_chart(summary.paces)) if chart is not None],
        )
    )


def _training_charts(summary: Summary) -> list[Chart]:
    made = [
        charts.loss_chart(summary.histories, summary.looks),
        *(charts.blocks_chart(name, pairs) for name, pairs in _each_once(summary).items()),
    ]
    return [chart for chart in made if chart is not None]


def _latency_charts(summary: Summary) -> list[Chart]:
    made = (charts.latency_chart(node, samples, summary.verdicts) for node, samples in summary.latencies.items())
    return [chart for chart in made if chart is not None]


def _each_once(summary: Summary) -> dict[str, tuple[tuple[float, float], ...]]:
    """The blocks without repeats: a reduction and a speed-up rest on the same pairs. An ablation's have a chart of their own."""
    found_blocks: dict[str, tuple[tuple[float, float], ...]] = {}
    apart = ablations(summary)
    for name, pairs in summary.blocks.items():
        if name.split("/")[0] not in apart and pairs not in found_blocks.values():
            found_blocks[name] = pairs
    return found_blocks


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ryot.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_safe,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        MARKS=MARKS, found=found, reasons=reasons, status_of=status_of, show=show, show_seconds=show_seconds, shown=shown, word_of=word_of
    )
    return environment


def _safe(value: object) -> object:
    """What an expression puts on the page: text loses escape codes here and is then escaped by the template."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value
