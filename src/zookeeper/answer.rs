//! What the answers say. They come from the network: what is not understood is left out, and never believed.

use std::collections::BTreeMap;

use pillion_probes::{
    server::{Ensemble, Server, State},
    time::BootTime,
};

/// What both ways say while the server has no majority (`AbstractFourLetterCommand`, `Commands`).
const NOT_SERVING: &str = "not currently serving requests";
/// What a word that is not allowed is answered with (`FourLetterCommands`).
const WITHHELD: &str = "not in the whitelist";

/// An answer, as far as it is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What the server says of itself.
    Told(Facts),
    /// It has no majority and serves nobody.
    NotServing,
    /// The word is not allowed.
    Withheld,
    /// No answer of such a server.
    Foreign,
}

/// What the server says of itself, by the names of `mntr` without their `zk_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    state: State,
    all: BTreeMap<String, String>,
}

impl Answer {
    /// Of `srvr` or `mntr`.
    pub fn of_word(text: &str) -> Self {
        if text.contains(NOT_SERVING) {
            return Self::NotServing;
        }
        if text.contains(WITHHELD) {
            return Self::Withheld;
        }
        let mut all = BTreeMap::new();
        for line in text.lines() {
            if let Some((name, value)) = line.strip_prefix("zk_").and_then(|line| line.split_once('\t')) {
                all.insert(name.to_owned(), value.trim().to_owned());
            } else if let Some((name, value)) = line.split_once(": ") {
                of_srvr(&mut all, name, value.trim());
            }
        }
        Self::told(all)
    }

    /// Of `/commands/monitor`; another command can say no more than that it serves nobody.
    pub fn of_monitor(json: &str) -> Self {
        let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(json) else { return Self::Foreign };
        if fields
            .get("error")
            .and_then(|error| error.as_str())
            .is_some_and(|error| error.contains(NOT_SERVING))
        {
            return Self::NotServing;
        }
        let text = |value: serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Self::told(fields.into_iter().map(|(name, value)| (name, text(value))).collect())
    }

    fn told(all: BTreeMap<String, String>) -> Self {
        let state = all.get("server_state").and_then(|word| {
            State::ALL
                .into_iter()
                .find(|state| (state.serves() || *state == State::ReadOnly) && state.word() == word)
        });
        state.map_or(Self::Foreign, |state| Self::Told(Facts { state, all }))
    }

    /// It is in contact with a majority.
    pub fn serves(&self) -> bool {
        matches!(self, Self::Told(facts) if facts.state.serves())
    }

    /// As an observation of a server that was asked at `sent`; `None` when it is no such server.
    pub fn seen(&self, sent: BootTime) -> Option<Server> {
        let bare = |state| Server {
            sent,
            state,
            latency_us: None,
            outstanding: None,
            connections: None,
            ensemble: None,
        };
        match self {
            Self::Told(facts) => Some(Server {
                latency_us: facts.latency(),
                outstanding: facts.number("outstanding_requests"),
                connections: facts.number("num_alive_connections"),
                ensemble: facts.ensemble(),
                ..bare(facts.state)
            }),
            Self::NotServing => Some(bare(State::NotServing)),
            Self::Withheld => Some(bare(State::Withheld)),
            Self::Foreign => None,
        }
    }
}

/// `srvr` says the same by other names.
fn of_srvr(all: &mut BTreeMap<String, String>, name: &str, value: &str) {
    let names: &[&str] = match name {
        "Mode" => &["server_state"],
        "Connections" => &["num_alive_connections"],
        "Outstanding" => &["outstanding_requests"],
        "Latency min/avg/max" => &["min_latency", "avg_latency", "max_latency"],
        _ => return,
    };
    for (name, value) in names.iter().zip(value.split('/')) {
        all.insert((*name).to_owned(), value.to_owned());
    }
}

impl Facts {
    /// Whether it leads, and so knows of the others.
    pub fn leads(&self) -> bool {
        self.state == State::Leader
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.all.get(name)?.parse().ok()
    }

    /// Milliseconds with a fraction, as told, in whole microseconds.
    fn latency(&self) -> Option<[u64; 3]> {
        let micros = |name| {
            let ms: f64 = self.number(name)?;
            let seconds = std::time::Duration::try_from_secs_f64(ms / 1000.0).ok()?;
            u64::try_from(seconds.as_micros()).ok()
        };
        Some([micros("min_latency")?, micros("avg_latency")?, micros("max_latency")?])
    }

    /// Observers are not among the synced followers, followers without a vote are.
    fn ensemble(&self) -> Option<Ensemble> {
        if !self.leads() {
            return None;
        }
        let synced: usize = self.number("synced_followers")?;
        let mute: usize = self.number("synced_non_voting_followers").unwrap_or(0);
        Some(Ensemble { voters: self.number("quorum_size")?, synced: synced.saturating_sub(mute) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed step should stop the test")]
mod tests {
    use super::*;

    const AT: BootTime = BootTime::from_millis(1000);

    fn state(answer: &Answer) -> Option<State> {
        answer.seen(AT).map(|seen| seen.state)
    }

    #[test]
    fn srvr() {
        let text = "Zookeeper version: 3.8.4, built on 2024\nLatency min/avg/max: 0/1.5/12\nReceived: 4\nSent: 3\n\
                    Connections: 2\nOutstanding: 7\nZxid: 0x0\nMode: follower\nNode count: 5\n";
        let answer = Answer::of_word(text);
        let seen = answer.seen(AT).unwrap();
        assert_eq!((seen.state, seen.latency_us), (State::Follower, Some([0, 1500, 12_000])));
        assert_eq!((seen.outstanding, seen.connections, seen.ensemble), (Some(7), Some(2), None));
        assert!(answer.serves());
    }

    #[test]
    fn a_leader_tells_of_the_voters() {
        let text = "zk_server_state\tleader\nzk_synced_followers\t3\nzk_synced_non_voting_followers\t1\nzk_quorum_size\t5\n";
        let seen = Answer::of_word(text).seen(AT).unwrap();
        assert_eq!(seen.ensemble, Some(Ensemble { voters: 5, synced: 2 }));
        let json = r#"{"server_state":"leader","synced_followers":1,"quorum_size":3,"avg_latency":0.5,"min_latency":0,"max_latency":1,"error":null}"#;
        let seen = Answer::of_monitor(json).seen(AT).unwrap();
        assert_eq!(seen.ensemble, Some(Ensemble { voters: 3, synced: 1 }));
        assert_eq!(seen.latency_us, Some([0, 500, 1000]));
    }

    #[test]
    fn who_serves_nobody_says_so_and_strangers_are_not_believed() {
        let none = "This ZooKeeper instance is not currently serving requests";
        assert_eq!(state(&Answer::of_word(none)), Some(State::NotServing));
        let json = format!(r#"{{"command":"monitor","error":"{none}"}}"#);
        assert_eq!(state(&Answer::of_monitor(&json)), Some(State::NotServing));
        assert_eq!(
            Answer::of_word("srvr is not executed because it is not in the whitelist.\n"),
            Answer::Withheld
        );
        let readonly = Answer::of_word("Zookeeper version: 3.8.4\nMode: read-only\n");
        assert_eq!((state(&readonly), readonly.serves()), (Some(State::ReadOnly), false));
        for foreign in [
            "",
            "HTTP/1.1 400 Bad Request\r\n",
            "Mode: withheld\n",
            "Mode: king\n",
            "zk_server_state leader\n",
        ] {
            assert_eq!(Answer::of_word(foreign), Answer::Foreign, "{foreign}");
        }
        for foreign in ["", "[]", "{}", r#"{"server_state":7}"#] {
            assert_eq!(Answer::of_monitor(foreign), Answer::Foreign, "{foreign}");
        }
    }
}
