//! What lint says of the settings: errors stop the start, the rest is for people.

use super::server;
use crate::{
    config::Config,
    problem::{Problem, SettingFinding},
    properties::{
        Layers, Origin,
        catalogue::{Release, catalogue},
        lint::{self, Finding, Severity},
    },
};

/// Lints the rendered file as the configured release takes it.
pub(super) fn judge(
    config: &Config,
    layers: &Layers,
    text: &str,
    problems: &mut Vec<Problem>,
) -> Vec<SettingFinding> {
    let asked = release(config);
    let Some(release) = catalogue().nearest(asked) else { return Vec::new() };
    let mut findings = Vec::new();
    for finding in lint::lint(text.as_bytes(), release, server::disk(config)) {
        let Some((place, what)) = told(&finding, layers) else { continue };
        let Finding { rule, key, remedy, .. } = finding;
        // A release that came after this binary may take what the one before it refused.
        if rule.severity == Severity::Error && release == asked {
            let what = format!("{what}: Kafka does not start with it ({})", rule.id);
            problems.push(Problem::new(place, what, remedy));
        } else {
            let severity = rule.severity.min(Severity::Warning).word().to_owned();
            let rule = rule.id.to_owned();
            findings.push(SettingFinding { severity, rule, key, place, what, remedy });
        }
    }
    findings
}

/// The release that is configured.
pub fn release(config: &Config) -> Release {
    let version = config.kafka.version;
    Release { major: version.major, minor: version.minor }
}

/// Where it is and what, as it may be told; `None` for what is as it should be.
fn told(finding: &Finding, layers: &Layers) -> Option<(String, String)> {
    let Some((layer, setting)) = layers.stack(&finding.key).next() else {
        return Some(("kafka.properties".to_owned(), finding.what.clone()));
    };
    let harmless = finding.rule.severity != Severity::Error;
    let ours = harmless && layer.origin != Origin::User;
    // What a template read from another file stands there on purpose.
    let read = finding.rule == &lint::SECRET && setting.secret;
    if ours || read || setting.stand_in {
        return None;
    }
    // What a file holds may be repeated in the words about it.
    let what = if setting.secret { finding.rule.title } else { &finding.what };
    Some((setting.spot(), what.to_owned()))
}
