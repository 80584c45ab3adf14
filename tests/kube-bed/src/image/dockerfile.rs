//! The last stage of a Dockerfile, read and understood, or refused.
//!
//! Nothing here can run a build. But the last stage of ours only puts together what the first one built, and that
//! can be done by hand. So what is tested is what is shipped.

use anyhow::{Context, Result, bail, ensure};

use super::archive::Config;

/// A copy out of an earlier stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// The stage it is taken from.
    pub stage: String,
    /// Where it is there.
    pub from: String,
    /// Where it goes.
    pub to: String,
}

/// The last stage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stage {
    /// How containers run.
    pub config: Config,
    /// What is in it.
    pub copies: Vec<Copy>,
}

/// Reads a Dockerfile's last stage. An instruction that is not known here is an error: leaving it out would test
/// another image than the one that is shipped.
pub fn last_stage(text: &str) -> Result<Stage> {
    let instructions = instructions(text);
    let from = instructions.iter().rposition(|(_, line)| word(line).0.eq_ignore_ascii_case("FROM"));
    let from = from.context("a Dockerfile without FROM")?;
    let mut stage = Stage::default();
    for (number, line) in &instructions[from..] {
        take(&mut stage, line).with_context(|| format!("Dockerfile, line {number}: {line:?}"))?;
    }
    Ok(stage)
}

/// The instructions with the numbers of their first lines; comments left out, continued lines joined.
fn instructions(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (part, continued) = line.strip_suffix('\\').map_or((line, false), |part| (part.trim_end(), true));
        match found.last_mut() {
            Some((_, all)) if goes_on => {
                all.push(' ');
                all.push_str(part);
            }
            _ => found.push((index + 1, part.to_owned())),
        }
        goes_on = continued;
    }
    found
}

fn take(stage: &mut Stage, line: &str) -> Result<()> {
    let (instruction, rest) = word(line);
    ensure!(!rest.contains('$'), "variables are not known to the bed");
    match instruction.to_ascii_uppercase().as_str() {
        "FROM" => {
            ensure!(rest == "scratch", "the last stage must be FROM scratch: there is nothing to pull from");
        }
        "LABEL" => stage.config.labels.extend(pairs(rest)?),
        "USER" => rest.clone_into(&mut stage.config.user),
        "ENTRYPOINT" => stage.config.entrypoint = list(rest)?,
        "COPY" => stage.copies.push(copy(rest)?),
        _ => bail!("the bed does not know this instruction: teach it (image/dockerfile.rs), or leave it out"),
    }
    Ok(())
}

/// The first word, and what follows.
fn word(line: &str) -> (&str, &str) {
    line.split_once(char::is_whitespace).map_or((line, ""), |(first, rest)| (first, rest.trim()))
}

/// Arguments as JSON, which no shell has a part in: there is none in the image.
fn list(text: &str) -> Result<Vec<String>> {
    serde_json::from_str(text).context("not a list as in [\"/program\", \"argument\"]")
}

fn copy(text: &str) -> Result<Copy> {
    let words: Vec<_> = text.split_whitespace().collect();
    let [stage, from, to] = words[..] else { bail!("not COPY --from=STAGE FROM TO") };
    let stage = stage
        .strip_prefix("--from=")
        .context("a copy from the build context, which the bed does not have")?;
    ensure!(!from.starts_with("--"), "the bed knows no option of COPY but --from");
    ensure!(to.starts_with('/') && !to.ends_with('/'), "{to} is not the full path of a file");
    Ok(Copy { stage: stage.to_owned(), from: from.to_owned(), to: to.to_owned() })
}

/// `name=value`, or `name="value with blanks"`, several on a line.
fn pairs(text: &str) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').context("not name=value")?;
        let (value, left) = if let Some(quoted) = after.strip_prefix('"') {
            quoted.split_once('"').context("a quote that does not end")?
        } else {
            word(after)
        };
        ensure!(!value.contains('\\'), "the bed does not know escapes in labels");
        found.push((name.trim_matches('"').to_owned(), value.to_owned()));
        rest = left.trim_start();
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{Copy, last_stage};

    const OURS: &str = include_str!("testdata/Dockerfile");

    #[test]
    fn the_last_stage_is_what_counts() {
        let stage = last_stage(OURS).unwrap();
        assert_eq!(stage.config.user, "1000:1000");
        assert_eq!(stage.config.entrypoint, ["/program", "serve"]);
        let copied = Copy { stage: "build".into(), from: "/out/program".into(), to: "/program".into() };
        assert_eq!(stage.copies, [copied]);
        let labels: Vec<_> = stage.config.labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(labels, [("org.example.text", "with blanks = and more"), ("org.example.version", "1.2")]);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let refused =
            |line: &str| format!("{:#}", last_stage(&format!("FROM scratch\n{line}\n")).unwrap_err());
        for (line, why) in [
            ("RUN make", "does not know this instruction"),
            ("COPY . /src", "COPY --from"),
            ("COPY --chown=1 /a /b", "build context"),
            ("COPY --from=build --chmod=755 /a /b", "COPY --from"),
            ("COPY --from=build /a /b/", "full path"),
            ("LABEL version=$VERSION", "variables"),
            ("LABEL version", "name=value"),
            ("ENTRYPOINT /program", "not a list"),
        ] {
            let said = refused(line);
            assert!(said.contains(why) && said.contains("line 2"), "{line}: {said}");
        }
        assert!(last_stage("FROM debian\n").unwrap_err().to_string().contains("line 1"));
        assert!(last_stage("# nothing\n").is_err());
    }
}
