//! Plots: throughput over the size of batches, and how long commits take.

use std::path::Path;

use evlog_benches::outcome::Outcome;
use evlog_benches::subject::Workload;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use serde::Serialize;

use super::figures::{Deed, Figures, fresh};
use super::programs::{Kind, Subject, Task};
use super::scale::Scale;
use super::statistics::Spread;
use crate::process::Failure;

/// Batch sizes that are plotted, in events.
const BATCHES: [usize; 5] = [1, 10, 100, 1_000, 10_000];
/// Batches that each point is measured with, where they are not small.
const TIMES: usize = 20;
/// Limits that are plotted beside evlog.
const LIMITS: [&str; 2] = ["raw-zeroed", "raw-extend"];

/// Points under a name.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// Events a second over the size of batches, each durable before the next: of evlog and two limits, at the smallest size.
pub(super) fn measure_batches(
    subjects: &[Subject],
    scale: &Scale,
    folder: &Path,
) -> Result<Vec<Line>, Failure> {
    let plotted = subjects
        .iter()
        .filter(|subject| subject.kind == Kind::Evlog || LIMITS.contains(&subject.name.as_str()));
    let mut lines = Vec::new();
    for subject in plotted {
        eprintln!("batches of 1 to 10,000: {}", subject.name);
        let mut points = Vec::new();
        for batch in BATCHES {
            let mut rates = Vec::new();
            for _ in 0..scale.rounds {
                let fresh = fresh(folder)?;
                let count = batch.max(10) as u64 * TIMES as u64;
                let task = scale.task(subject, Workload::W3, scale.sizes[0], fresh.path());
                rates.extend(Task { count, batch, ..task }.run().map(|outcome: Outcome| outcome.rate()));
            }
            #[expect(clippy::cast_precision_loss, reason = "up to ten thousand")]
            points.extend(Spread::of(rates).map(|spread| (batch as f64, spread.median)));
        }
        lines.push(Line { name: subject.title(), points });
    }
    Ok(lines)
}

/// How long commits of W1 took, by the share of them that took no longer.
pub(super) fn latencies(figures: &Figures, subjects: &[Subject], size: usize) -> Vec<Line> {
    let best =
        figures.best_peer(subjects, Deed::Plain(Workload::W1), size).map(|(peer, _)| peer.name.clone());
    let is_plotted = |subject: &&Subject| {
        subject.kind == Kind::Evlog
            || LIMITS.contains(&subject.name.as_str())
            || Some(&subject.name) == best.as_ref()
    };
    let lines = subjects.iter().filter(is_plotted).filter_map(|subject| {
        let outcomes = &figures.of(Deed::Plain(Workload::W1), size, &subject.name)?.outcomes;
        let latency = outcomes.last()?.latency.as_ref()?;
        // Nines: 90 % is 1, 99 % is 2.
        let points = latency.curve.iter().map(|(share, time)| (-(1.0 - share).log10(), *time)).collect();
        Some(Line { name: subject.title(), points })
    });
    lines.collect()
}

/// Draws both.
pub(super) fn draw(folder: &Path, batches: &[Line], latencies: &[Line]) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    let throughput = Axes {
        title: "Events/s over events in a batch, each batch durable",
        x: "events in a batch",
        y: "events/s",
    };
    let commits = Axes { title: "How long a durable append takes (W1)", x: "nines of all appends", y: "µs" };
    save(&folder.join("throughput.svg"), &throughput, batches, |points| {
        (points.0.log_scale(), points.1.log_scale())
    })?;
    save(&folder.join("latency.svg"), &commits, latencies, |points| (points.0, points.1.log_scale()))
}

/// Draws lines over steps that are tens or doubles of each other.
pub(super) fn draw_growth(path: &Path, axes: &Axes, lines: &[Line]) -> Result<(), Failure> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    save(path, axes, lines, |points| (points.0.log_scale(), points.1.log_scale()))
}

/// What a plot and its axes are called.
pub(super) struct Axes {
    pub(super) title: &'static str,
    pub(super) x: &'static str,
    pub(super) y: &'static str,
}

type Bounds = (std::ops::Range<f64>, std::ops::Range<f64>);

fn save<X, Y>(
    path: &Path,
    axes: &Axes,
    lines: &[Line],
    scales: impl FnOnce(Bounds) -> (X, Y),
) -> Result<(), Failure>
where
    X: AsRangedCoord<Value = f64>,
    Y: AsRangedCoord<Value = f64>,
    X::CoordDescType: ValueFormatter<f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let Some(bounds) = bounds(lines) else {
        return Err(format!("nothing to draw in {}", path.display()).into());
    };
    let root = SVGBackend::new(path, (800, 500)).into_drawing_area();
    root.fill(&WHITE)?;
    let (x, y) = scales(bounds);
    let mut chart = ChartBuilder::on(&root)
        .caption(axes.title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(90)
        .build_cartesian_2d(x, y)?;
    chart.configure_mesh().x_desc(axes.x).y_desc(axes.y).draw()?;
    for (number, line) in lines.iter().enumerate() {
        let colour = Palette99::pick(number).to_rgba();
        let series = LineSeries::new(line.points.iter().copied(), colour.stroke_width(2)).point_size(3);
        let legend = move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(2));
        chart.draw_series(series)?.label(&line.name).legend(legend);
    }
    chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(BLACK).draw()?;
    root.present()?;
    Ok(())
}

/// The least and the most of both axes, with a little room above.
fn bounds(lines: &[Line]) -> Option<Bounds> {
    let all = || lines.iter().flat_map(|line| line.points.iter().copied());
    let x = Spread::of(all().map(|point| point.0))?;
    let y = Spread::of(all().map(|point| point.1))?;
    Some((x.least..x.most * 1.05, y.least * 0.8..y.most * 1.25))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_plots_show_every_line() {
        let folder = tempfile::tempdir().unwrap();
        let line = |name: &str| Line { name: name.into(), points: vec![(1.0, 10.0), (100.0, 1e6)] };
        draw(folder.path(), &[line("evlog"), line("raw")], &[line("evlog")]).unwrap();
        let throughput = std::fs::read_to_string(folder.path().join("throughput.svg")).unwrap();
        assert!(throughput.contains("evlog") && throughput.contains("raw") && throughput.contains("</svg>"));
        assert!(std::fs::read_to_string(folder.path().join("latency.svg")).unwrap().contains("evlog"));
        draw(folder.path(), &[], &[]).unwrap_err();
    }
}
