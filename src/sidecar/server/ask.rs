//! Asks the server for its state, each second, by one way after the other.

use std::{pin::pin, time::Duration};

use pillion_probes::{observe::Reach, server, time::BootTime};
use tokio::time::{Instant, sleep, timeout};

use super::{
    super::{applied::reach, desk::Desk},
    Server,
};
use crate::{
    kafka::{WireError, dial},
    zookeeper::{Answer, monitor, say_over},
};

/// Between two questions.
const INTERVAL: Duration = Duration::from_secs(1);
/// Silence from here on, for an answer on one connection.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a silent connection is waited on before another is tried: one that hangs is not buried under connections.
const SECOND_OPINION: Duration = Duration::from_secs(15);
/// Longer than any answer is waited for: a stream that is not open by then is given up by who waits, and is no error.
const OPENING: Duration = Duration::from_secs(60);

/// Runs for ever.
pub async fn watch(desk: &Desk, server: &Server) {
    loop {
        let sent = desk.now();
        let mut told = pin!(state(server));
        if let Ok(told) = timeout(PATIENCE, told.as_mut()).await {
            take(desk, server, sent, told).await;
        } else {
            silent(desk, server, sent).await;
            if let Ok(told) = timeout(SECOND_OPINION, told).await {
                take(desk, server, sent, told).await;
            }
        }
        sleep(INTERVAL).await;
    }
}

/// By its words. Of the others only the leader knows, and tells it by `mntr` or the `AdminServer`. Every server allows
/// `srvr`, whatever its list of words says (`FourLetterCommands`, 3.5 and newer).
async fn state(server: &Server) -> Result<Answer, WireError> {
    let brief = say("srvr", server).await?;
    let more = match &brief {
        Answer::Told(facts) => facts.leads(),
        Answer::Withheld => true,
        Answer::NotServing | Answer::Foreign => false,
    };
    if !more {
        return Ok(brief);
    }
    let full = match say("mntr", server).await? {
        Answer::Withheld => timeout(PATIENCE / 2, by_monitor(server)).await.unwrap_or(Answer::Foreign),
        full => full,
    };
    Ok(if matches!(full, Answer::Withheld | Answer::Foreign) { brief } else { full })
}

async fn say(word: &str, server: &Server) -> Result<Answer, WireError> {
    let stream = dial(&server.address, &server.security, Instant::now() + OPENING).await?;
    say_over(word, stream).await.map_err(|error| WireError::from_io(error, "telling its state"))
}

async fn by_monitor(server: &Server) -> Answer {
    monitor(&server.admin.host, server.admin.port).await.unwrap_or(Answer::Foreign)
}

async fn take(desk: &Desk, server: &Server, sent: BootTime, told: Result<Answer, WireError>) {
    // What closes may be a port that speaks TLS, which has no words.
    let closed = told.as_ref().is_err_and(|error| reach(error) == Reach::Closed);
    let asked = desk.now();
    match if closed { by_admin(server, asked).await } else { None } {
        Some(seen) => desk.told(seen),
        None => match told {
            Ok(answer) => match answer.seen(sent) {
                Some(seen) => desk.told(seen),
                None => desk.unreached(Reach::NotJudgeable { why: "it is no ZooKeeper server".to_owned() }),
            },
            Err(error) => desk.unreached(reach(&error)),
        },
    }
}

/// Clients may wait for the port as well, so it is not ready. It is no proof of a hang while the `AdminServer` answers,
/// whose word is taken where it says why: a port with TLS leaves who speaks none waiting while it serves nobody.
async fn silent(desk: &Desk, server: &Server, sent: BootTime) {
    match by_admin(server, desk.now()).await {
        Some(told) if !told.state.serves() => desk.told(told),
        Some(_) => desk.silent_server(None),
        None => desk.silent_server(Some(sent)),
    }
}

async fn by_admin(server: &Server, sent: BootTime) -> Option<server::Server> {
    timeout(PATIENCE, by_monitor(server)).await.ok()?.seen(sent)
}
