//! `pillion render`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::builder::NonEmptyStringValueParser;

use super::{Exit, out, source::SourceArgs};
use crate::{
    config::host_port,
    files::{ReadFault, read_capped, read_stdin},
    init::{
        self, InitError, lint, live,
        render::{self, Rendered},
    },
    kafka::requests::{BrokerSetting, Told},
    problem::Problem,
    properties::{
        self, MASK,
        catalogue::catalogue,
        diff::{Was, When, differences, report},
    },
};

/// Shows server.properties as init would write it, where a value comes from, and what a change does
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_long_help = "\
Nothing is written, no volume is looked at, and nobody is asked but the broker of --diff.
Secrets are hidden; files that templates read need not be here.

Layers, the lowest first; later ones win:
  the defaults of the mode
  kafka.layers             in their order: a file, all *.properties of a directory, or settings
  kafka.properties
  kafka.overrides          of this ordinal
  --set kafka.properties.KEY=VALUE
  what pillion computes    cannot be contradicted: id, roles, rack, volumes, advertised, TLS

Templates, in values of layers ({{ }} and {% %}; Kafka's own ${provider:...} is left as it is):
  {{ id }} {{ ordinal }} {{ zone }} {{ pod }} {{ namespace }} {{ node }} {{ cluster }} {{ mode }}
  {{ env.NAME }}                          an environment variable that kafka.env allows
  {{ file('/etc/keys/password') }}        what a file holds: a secret
  {{ resources.memory }} {{ resources.disk }}    bytes, by kafka.resources or the cgroup
  {{ resources.cpu }}                     whole cores
  {{ listeners('INSIDE:9092', 'OUTSIDE:9094') }}
  {{ voters(3, 'controller-{ordinal}.kafka:9093', base=1) }}
  {{ servers(3, 'zk-{ordinal}.zk:2181') }}
  {{ [resources.cpu * 2, 8] | max }}  {{ env.TIER | default('gold') }}
  {% if mode == 'zookeeper' %} ... {% else %} ... {% endif %}

Examples:
  pillion render -c pillion.yaml --ordinal 0
  pillion render -c pillion.yaml --ordinal 0 --explain num.io.threads
  pillion render -c pillion.yaml --ordinal 0 --diff rendered/kafka-0.properties --check
  pillion render -c pillion.yaml --diff broker              in the pod: what a restart would change
  pillion render -c pillion.yaml --ordinal 0 --diff kafka-0.kafka:9092
  ssh kafka-0 cat /etc/kafka/server.properties | pillion render -c pillion.yaml --ordinal 0 --diff -
  pillion render -c pillion.yaml --ordinal 0 --set kafka.resources.memory=8Gi

Exit codes:
  0   done
  1   --check: there is a difference; --explain: nobody sets it
  64  something to correct; the message says where and how
  69  the broker cannot be asked")]
pub struct RenderArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Which layer sets this key, and what it hides
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new(), conflicts_with_all = ["diff", "check", "comments"])]
    explain: Option<String>,
    /// What changes against a file, standard input (-), the running broker at its own listener (broker), or at HOST:PORT
    #[arg(long, value_name = "FILE|-|broker|HOST:PORT", value_parser = target)]
    diff: Option<String>,
    /// For CI: say only what is wrong, and with --diff exit 1 where something differs
    #[arg(long, conflicts_with = "comments")]
    check: bool,
    /// Write over each setting where it comes from
    #[arg(long, conflicts_with = "diff")]
    comments: bool,
}

/// Renders and says what was asked for.
pub fn run(args: &RenderArgs) -> ExitCode {
    match rendered(args).and_then(|rendered| answer(args, &rendered)) {
        Ok(exit) => exit.into(),
        Err(error) => {
            out::list(&error);
            ExitCode::from(error.exit.code())
        }
    }
}

fn rendered(args: &RenderArgs) -> Result<Rendered, InitError> {
    let place = |what| InitError::usage(vec![Problem::new("flags", what, "see pillion render --help")]);
    let sources = args.source.sources().map_err(place)?;
    let rendered = render::render(&sources, init::host_name().as_deref())?;
    for notice in &rendered.notices {
        out::complain(format!("notice: {}", out::plain(notice)));
    }
    Ok(rendered)
}

fn answer(args: &RenderArgs, rendered: &Rendered) -> Result<Exit, InitError> {
    if let Some(key) = &args.explain {
        return Ok(explain(rendered, key));
    }
    for finding in rendered.identity.findings.iter().filter(|finding| finding.is_warning()) {
        out::complain(out::plain(&finding.to_string()));
    }
    if let Some(target) = &args.diff {
        return diff(args, rendered, target);
    }
    if args.check {
        return Ok(Exit::Yes);
    }
    let text = rendered.text(args.comments);
    if text.contains(MASK) {
        out::complain(format!("notice: secrets are shown as {MASK}; init writes them"));
    }
    out::print(text);
    Ok(Exit::Yes)
}

fn explain(rendered: &Rendered, key: &str) -> Exit {
    if let Some(text) = rendered.layers.explain(key) {
        out::print(text);
        return Exit::Yes;
    }
    let near =
        crate::suggest::nearest(key, rendered.layers.keys()).map(|near| format!("; did you mean {near}?"));
    out::complain(format!("nobody sets {key}: Kafka's default counts{}", near.unwrap_or_default()));
    Exit::No
}

fn diff(args: &RenderArgs, rendered: &Rendered, target: &str) -> Result<Exit, InitError> {
    let release = catalogue().nearest(lint::release(&rendered.config));
    let known = |key: &str| release.map(|release| properties::diff::when(key, release));
    let settings = match against(target) {
        Against::File(path) => {
            let was = of_file(&path).map_err(|problem| InitError::usage(vec![problem]))?;
            return Ok(tell(args, rendered, &was, &|key| known(key)));
        }
        Against::Broker(address) => {
            super::block_on(live::settings(rendered, address)).unwrap_or_else(|error| {
                let what = format!("failed to set up the asking: {error}");
                Err(InitError::one(init::Exit::Unavailable, Problem::new("--diff", what, "run it again")))
            })?
        }
    };
    let was = settings.iter().filter_map(|(key, setting)| {
        let was = match setting.file.clone()? {
            Told::Value(value) => Was::Told(value),
            Told::Hidden => Was::Untold,
        };
        Some((key.clone(), was))
    });
    let when = |key: &str| match (settings.get(key), known(key)) {
        (Some(setting), known) if !setting.read_only => {
            Some(known.filter(|when| *when != When::Restart).unwrap_or(When::Running))
        }
        _ => Some(When::Restart),
    };
    let exit = tell(args, rendered, &was.collect(), &when);
    hidden_by_dynamic(rendered, &settings);
    Ok(exit)
}

fn tell(
    args: &RenderArgs,
    rendered: &Rendered,
    was: &BTreeMap<String, Was>,
    when: &dyn Fn(&str) -> Option<When>,
) -> Exit {
    let (found, untold) = differences(was, &rendered.layers, when);
    if !args.check || !found.is_empty() {
        out::print(out::lines(&report(&found)));
    }
    if !untold.is_empty() {
        out::complain(format!(
            "notice: not compared, for what they hold is not told here: {}",
            untold.join(", ")
        ));
    }
    if args.check && !found.is_empty() { Exit::No } else { Exit::Yes }
}

/// What was set while it runs counts until it is taken back, whatever the file says.
fn hidden_by_dynamic(rendered: &Rendered, settings: &BTreeMap<String, BrokerSetting>) {
    for (key, setting) in settings.iter().filter(|(_, setting)| setting.dynamic) {
        let value = setting.value.as_deref().filter(|value| !properties::secret::is_secret(key, value));
        let value = out::plain(value.unwrap_or(MASK));
        let ours =
            if rendered.layers.get(key).is_some() { "the file's does not count" } else { "no file says so" };
        out::complain(format!("notice: {key}={value} was set while the broker runs; {ours}"));
    }
}

fn target(text: &str) -> Result<String, String> {
    let named = !text.trim().is_empty();
    named
        .then(|| text.to_owned())
        .ok_or("it names nothing: as in kafka-0.properties, broker, or kafka-0:9092".to_owned())
}

enum Against {
    /// `-` is standard input.
    File(PathBuf),
    /// At its own listener, or there.
    Broker(Option<(String, u16)>),
}

fn against(target: &str) -> Against {
    if target == "broker" {
        return Against::Broker(None);
    }
    match host_port(target) {
        Some(address) if !Path::new(target).exists() => Against::Broker(Some(address)),
        _ => Against::File(target.into()),
    }
}

fn of_file(path: &Path) -> Result<BTreeMap<String, Was>, Problem> {
    let most = properties::MAX_BYTES as u64;
    let read = if path == Path::new("-") { read_stdin(most) } else { read_capped(path, most) };
    let bytes = read.map_err(|error| match error.fault {
        ReadFault::NotRegular(_) => {
            let remedy = format!("read what comes through a pipe by -, as in --diff - < {}", path.display());
            Problem::new(path.display().to_string(), error.fault.to_string(), remedy)
        }
        _ => error.problem(),
    })?;
    let entries = properties::parse(&bytes).map_err(|error| {
        let remedy = "mend that line, or correct the path";
        Problem::new(path.display().to_string(), format!("it is no .properties: {error}"), remedy)
    })?;
    // What render hid is not known any more.
    let was = |value: String| if value.trim() == MASK { Was::Untold } else { Was::Told(value) };
    // The last one of a name counts, as for Kafka.
    Ok(entries.into_iter().map(|(key, value)| (key, was(value))).collect())
}
