//! The API server is away.

use std::time::Instant;

use anyhow::{Result, ensure};
use bed::{
    Watch,
    scene::{run, runtime},
    watch::Outcome,
};

use crate::{
    figures::Figures,
    kafka::agent,
    load::Beside,
    scene::{BROKERS, CONTROLLERS, Scene, pass},
};

/// Nobody reaches it for minutes, and a kubelet is started anew meanwhile: the verdicts stay as they are.
pub fn down(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let pods = || BROKERS.into_iter().chain(CONTROLLERS);
    let before: Vec<_> = pods().map(|pod| scene.pods.get(pod)).collect::<Result<_>>()?;
    let beside = Beside::start(scene, "no-api-server")?;
    let watches = watches()?;
    let time = scene.lasts(300, 60);
    let began = Instant::now();
    scene.bed.control_plane.api_server.stop()?;
    pass(time / 3);
    scene.bed.node("n2")?.kubelet.restart()?;
    pass(time.saturating_sub(began.elapsed()));
    let (mut asked, mut other, mut silent) = (0, 0, 0);
    for (pod, watch) in &watches {
        for answer in watch.answers() {
            match answer.outcome {
                Outcome::Http { status: 200, .. } => asked += 1,
                Outcome::Http { body, .. } => {
                    println!("    {pod}: {body}");
                    other += 1;
                }
                _ => silent += 1,
            }
        }
    }
    let lived = beside.stop()?;
    scene.bed.control_plane.api_server.start()?;
    scene.bed.control_plane.wait(scene.bed.admin())?;
    figures.time("without the API server", began.elapsed());
    scene.all_ready()?;
    scene.pods.same_lives(&before)?;
    figures.count("verdicts as before", asked, "answers");
    figures.count("not answered within a second", silent, "times");
    figures.zero("other verdicts", other, "answers")?;
    ensure!(asked > 100, "hardly asked");
    lived.note("", figures);
    lived.spotless()
}

/// Asks the agents themselves: nobody else can tell meanwhile.
fn watches() -> Result<Vec<(&'static str, Watch)>> {
    let _inside = runtime().enter();
    BROKERS.into_iter().map(|pod| Ok((pod, Watch::http(run(agent(pod))?, "/readyz")))).collect()
}
