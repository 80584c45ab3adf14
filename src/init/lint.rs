//! What lint says of the settings: errors stop the start, the rest is for people.

use super::server;
use crate::{
    config::Config,
    problem::{Problem, SettingFinding},
    properties::{
        Layers, Origin, Setting,
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
    let mut findings = twice(layers);
    let asked = release(config);
    let Some(release) = catalogue().nearest(asked) else { return findings };
    for finding in lint::lint(text.as_bytes(), release, server::disk(config)).found {
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

/// Settings that a file has twice: in the rendered one each stands once.
fn twice(layers: &Layers) -> Vec<SettingFinding> {
    let (keys, rule) = (layers.keys(), &lint::TWICE);
    let all = keys.iter().flat_map(|key| layers.stack(key)).map(|(_, setting)| setting);
    let finding = |setting: &Setting| SettingFinding {
        severity: rule.severity.word().to_owned(),
        rule: rule.id.to_owned(),
        key: setting.path.clone(),
        place: setting.spot(),
        what: format!("it is set at {} too, which does not count", setting.again.join(", ")),
        remedy: "take one of them out".to_owned(),
    };
    all.filter(|setting| !setting.again.is_empty()).map(finding).collect()
}

/// What to say where the configured release is not known.
pub fn unknown_release(config: &Config) -> Option<String> {
    let (asked, known) = (release(config), catalogue().releases());
    let (first, last, taken) = (known.first()?, known.last()?, catalogue().nearest(asked)?);
    (taken != asked).then(|| {
        format!("Kafka {asked} is not known here ({first} to {last} are); its settings are judged as those of {taken}")
    })
}

/// The release that is configured.
pub fn release(config: &Config) -> Release {
    let version = config.kafka.version;
    Release { major: version.major, minor: version.minor }
}

/// Where it is and what, as it may be told; `None` for what is as it should be.
fn told(finding: &Finding, layers: &Layers) -> Option<(String, String)> {
    // Nodes of a map share their layers, and what one of them has nothing to permit for, another has.
    if finding.rule == &lint::IDLE_PERMISSION {
        return None;
    }
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
