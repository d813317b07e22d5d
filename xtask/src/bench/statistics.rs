//! What several rounds come to.

/// The middle of several figures, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Spread {
    /// Of at least one figure.
    pub(super) fn of(figures: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let (least, most) = (*figures.first()?, *figures.last()?);
        let upper = figures.len() / 2;
        let lower = (figures.len() - 1) / 2;
        Some(Spread { median: f64::midpoint(figures[lower], figures[upper]), least, most })
    }
}

/// A rate as people read it: three digits, thousands and millions in words.
pub(super) fn rate(a_second: f64) -> String {
    match a_second {
        rate if rate >= 9.95e6 => format!("{:.1} M", rate / 1e6),
        rate if rate >= 1e6 => format!("{:.2} M", rate / 1e6),
        rate if rate >= 1e4 => format!("{:.1} k", rate / 1e3),
        rate => format!("{rate:.0}"),
    }
}

/// A median with its least and most.
pub(super) fn rate_with_spread(spread: Spread) -> String {
    format!("{} ({}–{})", rate(spread.median), rate(spread.least), rate(spread.most))
}

/// A ratio with two digits behind the point.
pub(super) fn ratio(value: f64) -> String {
    format!("{value:.2} ×")
}

/// A time in microseconds.
pub(super) fn microseconds(value: f64) -> String {
    if value < 100.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

/// Bytes in mebibytes.
#[expect(clippy::cast_precision_loss, reason = "figures for people have few digits")]
pub(super) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let spread = |figures: &[f64]| Spread::of(figures.iter().copied());
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, least: 1.0, most: 3.0 }));
        assert_eq!(spread(&[4.0, 1.0]), Some(Spread { median: 2.5, least: 1.0, most: 4.0 }));
    }

    #[test]
    fn figures_have_three_digits() {
        assert_eq!(
            [4_871.3, 21_797.0, 3_715_033.0, 96_700_000.0].map(rate),
            ["4871", "21.8 k", "3.72 M", "96.7 M"]
        );
        assert_eq!(
            (ratio(0.966), microseconds(4.24), microseconds(178.7)),
            ("0.97 ×".into(), "4.2".into(), "179".into())
        );
    }
}
