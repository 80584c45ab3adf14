//! One setting, as the releases have it.

use std::fmt::Write;

use crate::{
    cli::out,
    properties::{
        catalogue::{Kind, Release, Setting, Update, Validator, catalogue},
        lint::{base, instead, is_of_plugin},
    },
    suggest::nearest,
};

/// What is known of it; or why nothing is.
pub(super) fn explain(key: &str, asked: Release) -> Result<String, String> {
    let all = catalogue();
    let given = key;
    let key = if all.history(key).is_some() { key } else { base(key, asked) };
    let Some(history) = all.history(key) else {
        let known = all.releases().iter().flat_map(|release| all.settings(*release)).map(|(key, _)| key);
        if is_of_plugin(key) {
            return Err(format!("{key} is no setting of Kafka's own; plugins read those of this name"));
        }
        let near = nearest(key, known).map(|near| format!("; did you mean {near}?"));
        let gone = instead(key).map(|new| format!("; instead: {new}"));
        let more = gone.or(near).unwrap_or_default();
        return Err(format!("no release of Kafka known here has a setting {key}{more}"));
    };
    // As it is in the release that is asked for, or as it was last.
    let shown = if all.setting(asked, key).is_some() { asked } else { history.last };
    let Some(setting) = all.setting(shown, key) else { return Err(format!("{key} came and went")) };
    let mut text = format!("{key}, as Kafka {shown} has it\n\n");
    // Writing to a string cannot fail.
    if let Some(prefix) = given.strip_suffix(key).filter(|prefix| !prefix.is_empty()) {
        let _ = writeln!(text, "  {}\n", behind_listener(prefix, key));
    }
    let _ = writeln!(text, "  {}\n", out::plain(setting.doc));
    let _ = writeln!(text, "  type        {}{}", kind(setting.kind), flags(setting));
    let _ = writeln!(text, "  default     {}", default(setting));
    let _ = writeln!(text, "  takes       {}", takes(&setting.validator));
    let _ = writeln!(text, "  importance  {}", setting.importance);
    let _ = writeln!(text, "  changes     {}", update(setting.update));
    let _ = writeln!(text, "  releases    {}", releases(key, history.first, history.last));
    for line in differently(key, setting) {
        let _ = writeln!(text, "              {line}");
    }
    Ok(text)
}

/// What a setting means behind `listener.name.<listener>.` and, there, `<mechanism>.`.
fn behind_listener(prefix: &str, key: &str) -> String {
    let inside = prefix.trim_start_matches("listener.name.").trim_end_matches('.');
    let whom = match inside.split_once('.') {
        Some((listener, mechanism)) => format!("the listener {listener} and its mechanism {mechanism}"),
        None => format!("the listener {inside}"),
    };
    format!(
        "{prefix}{key} is the same for {whom} alone, where Kafka takes it in place of {key}. It does so for settings of TLS and \
         SASL, and for some of connections (KIP-103)."
    )
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Boolean => "true or false",
        Kind::String => "text",
        Kind::Short => "a whole number of 16 bits",
        Kind::Int => "a whole number of 32 bits",
        Kind::Long => "a whole number of 64 bits",
        Kind::Double => "a number",
        Kind::List => "a list, with commas",
        Kind::Class => "a class",
        Kind::Password => "a secret",
    }
}

fn flags(setting: &Setting) -> &'static str {
    match (setting.deprecated, setting.internal) {
        (true, _) => "; deprecated",
        (_, true) => "; internal to Kafka",
        _ => "",
    }
}

fn default(setting: &Setting) -> &'static str {
    match setting.default {
        None => "none: it has to be set",
        Some("null") => "nothing",
        Some("") => "empty",
        Some(default) => default,
    }
}

fn takes(validator: &Validator) -> String {
    match validator {
        Validator::None | Validator::Range(None, None) => "every value of the type".to_owned(),
        Validator::Range(Some(min), Some(max)) => format!("from {min} to {max}"),
        Validator::Range(Some(min), None) => format!("{min} or more"),
        Validator::Range(None, Some(max)) => format!("{max} or less"),
        Validator::OneOf(all, _) => format!("one of {}", all.join(", ")),
        Validator::ListOf(all, _) if all.is_empty() => "each once".to_owned(),
        Validator::ListOf(all, _) => format!("some of {}", all.join(", ")),
        Validator::NotEmpty => "anything but an empty text".to_owned(),
        Validator::Other => "what code of Kafka's own takes".to_owned(),
    }
}

fn update(update: Update) -> &'static str {
    match update {
        Update::ReadOnly => "at the next start",
        Update::PerBroker => "while the broker runs, for it alone",
        Update::ClusterWide => "while the broker runs, for it or for all",
    }
}

fn releases(key: &str, first: Release, last: Release) -> String {
    let all = catalogue().releases();
    let since = if all.first() == Some(&first) { format!("{first} or before") } else { first.to_string() };
    match all.iter().find(|release| **release > last) {
        None => format!("since {since}"),
        Some(next) => {
            let new = instead(key).map(|new| format!("; instead: {new}")).unwrap_or_default();
            format!("since {since}, gone with {next}{new}")
        }
    }
}

/// In which other releases it has another default, or takes other values.
fn differently(key: &str, shown: &Setting) -> Vec<String> {
    let all = catalogue();
    let said =
        |setting: &Setting| format!("default {}; takes {}", default(setting), takes(&setting.validator));
    let usual = said(shown);
    let mut spans: Vec<(String, Release, Release)> = Vec::new();
    for release in all.releases() {
        let Some(other) = all.setting(*release, key).map(said).filter(|other| *other != usual) else {
            continue;
        };
        match spans.last_mut() {
            Some((last, _, to)) if *last == other => *to = *release,
            _ => spans.push((other, *release, *release)),
        }
    }
    let line = |(said, from, to): &(String, Release, Release)| {
        if from == to { format!("in {from}: {said}") } else { format!("from {from} to {to}: {said}") }
    };
    spans.iter().map(line).collect()
}
