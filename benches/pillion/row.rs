//! A figure beside its baseline and its goal, for people and for machines.

use std::fmt;

use serde::Serialize;

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// The same of what it is compared with.
    pub baseline: Option<f64>,
    /// `value / baseline`.
    pub ratio: Option<f64>,
    /// What it should be.
    pub goal: String,
    /// Whether it is.
    pub met: bool,
}

impl Row {
    /// A figure that should be `cap` at the most, whatever it is compared with.
    pub fn at_most(name: &str, value: f64, unit: &'static str, cap: f64, baseline: Option<f64>) -> Self {
        Self {
            name: name.to_owned(),
            value,
            unit,
            baseline,
            ratio: baseline.map(|baseline| value / baseline),
            goal: format!("<= {cap} {unit}"),
            met: value <= cap,
        }
    }

    /// A figure that should be `cap` times its baseline at the most.
    pub fn ratio(name: &str, value: f64, unit: &'static str, cap: f64, baseline: f64) -> Self {
        let ratio = value / baseline;
        let goal = format!("<= {cap}x");
        let met = ratio <= cap;
        Self { name: name.to_owned(), value, unit, baseline: Some(baseline), ratio: Some(ratio), goal, met }
    }
}

/// The rows below each other.
pub struct Table<'a>(pub &'a [Row]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wide = self.0.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        writeln!(f, "{:wide$}  {:>16}  {:>12}  {:>8}  {:<14}", "", "value", "baseline", "ratio", "goal")?;
        for row in self.0 {
            let value = format!("{:.3} {}", row.value, row.unit);
            let or_dash = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
            let (baseline, ratio) = (or_dash(row.baseline), or_dash(row.ratio));
            let met = if row.met { "met" } else { "MISSED" };
            writeln!(
                f,
                "{:wide$}  {value:>16}  {baseline:>12}  {ratio:>8}  {:<14} {met}",
                row.name, row.goal
            )?;
        }
        Ok(())
    }
}
