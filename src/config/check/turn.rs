//! Where the turn is kept.

use std::time::Duration;

use super::{
    super::{
        file,
        model::{Turn, TurnKeeper},
    },
    Check,
};

/// Where nothing is said: longer than the grace period of deploy/ and than Kafka hands its leaderships over for.
const EXPIRES: Duration = Duration::from_secs(600);
/// Below that a pause of the agent would hand the turn on.
const LEAST: Duration = Duration::from_secs(60);

impl Check<'_> {
    /// `None` where no turns are taken; `Err` where a mistake was added.
    pub(super) fn turn(&mut self, file: file::Turn, namespace: Option<&str>) -> Result<Option<Turn>, ()> {
        let before = self.problems.len();
        let expires = file.expires.map_or(EXPIRES, |written| written.0);
        if expires < LEAST {
            let what = "it is so short that a pause of the agent would hand the turn on";
            self.wrong::<()>(
                "turn.expires",
                what,
                "write 1m at the least, and not less than a stop may take",
            );
        }
        let keeper = match (file.lease, file.file) {
            (Some(_), Some(_)) => {
                let what = "the turn is kept in one place: turn.lease is set, too";
                self.wrong("turn.file", what, "take one of the two out")
            }
            (Some(name), None) => self.lease(name, namespace),
            (None, Some(path)) => self.absolute("turn.file", Some(path)).map(TurnKeeper::File),
            (None, None) => None,
        };
        if self.problems.len() > before {
            return Err(());
        }
        Ok(keeper.map(|keeper| Turn { keeper, expires }))
    }

    fn lease(&mut self, name: String, namespace: Option<&str>) -> Option<TurnKeeper> {
        let name = self.name("turn.lease", Some(name));
        let path = "kubernetes.namespace";
        if namespace.is_none() && !self.gathered.is_spoilt(path) {
            let variable = super::super::variable(path);
            let remedy = format!("set {variable} by the downward API (fieldRef metadata.namespace)");
            self.wrong::<()>(path, "it is required by turn.lease", remedy);
        }
        Some(TurnKeeper::Lease { namespace: namespace?.to_owned(), name: name? })
    }
}
