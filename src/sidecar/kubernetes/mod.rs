//! What the sidecar tells Kubernetes: who the broker is, on its own pod, and what changed, as Events.
//!
//! No verdict rests on any of it, and nothing waits for it. What fails is tried again, told to the log once, and shown
//! in the status and a metric until it succeeds.

mod events;
mod identity;
mod news;

use tokio::sync::broadcast;

use crate::{
    board::{Board, Course, Errand, Transition, Trouble},
    config::Config,
    init::Identity,
    kube::{self, Api, Event, Fault, Regarding, Right},
};

/// Tells what the configuration asks for; ends only by being dropped, where there is anything to tell.
pub(super) async fn tell(
    config: &Config,
    identity: &Identity,
    board: &Board,
    changes: broadcast::Receiver<Transition>,
) {
    let settings = &config.kubernetes;
    // The checks of the configuration ask for both where one of the two is on.
    let (Some(namespace), Some(name)) = (settings.namespace.clone(), settings.pod.clone()) else { return };
    let pod = Regarding { namespace, name, uid: settings.pod_uid.clone() };
    tokio::join!(
        async {
            if settings.publish_identity {
                let marks = identity::marks(identity);
                identity::publish(async || kube::mark(&Api::of_pod()?, &pod, &marks).await, board).await;
            }
        },
        async {
            if settings.events {
                events::tell(async |event: &Event| event.tell(&Api::of_pod()?, &pod).await, board, changes)
                    .await;
            }
        },
    );
}

/// Notes a failure; the log is told when what is to be done about it is news.
fn failed(board: &Board, errand: Errand, right: &Right, fault: &Fault) {
    let trouble = Trouble { text: fault.to_string(), remedy: right.remedy(fault) };
    let news = board.errand(errand, |course| {
        course.failed += 1;
        let known = course.trouble.replace(trouble.clone());
        known.is_none_or(|known| known.remedy != trouble.remedy)
    });
    if news {
        let Trouble { text, remedy } = trouble;
        tracing::warn!("kubernetes, {}: {text}; remedy: {remedy}; it is tried again", errand.word());
    }
}

fn done(board: &Board, errand: Errand) {
    let was = board.errand(errand, |course| {
        course.done += 1;
        course.trouble.take()
    });
    if was.is_some() {
        tracing::info!("kubernetes, {}: it succeeds again", errand.word());
    }
}

/// It is asked for, so the status shows it from the start.
fn begun(board: &Board, errand: Errand) {
    board.errand(errand, |_: &mut Course| ());
}
