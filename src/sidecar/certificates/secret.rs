//! A Secret as the source of one listener's certificate: it is watched.

use std::time::Duration;

use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    time::timeout,
};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    certs::{Bundle, SourceFault},
    config::{Config, certificates::OfSecret},
    init::source::{of_secret, of_secret_fault},
    kube::{Api, Fault, SECRETS, Secret, SecretName, SecretWatch},
};

/// One that is followed, until it is dropped.
pub(super) struct Followed {
    name: SecretName,
    news: Receiver<Result<Secret, Fault>>,
    _task: AbortOnDropHandle<()>,
}

impl Followed {
    /// Begins. It goes on by itself, for a request may take longer than anybody waits here.
    pub(super) fn new(config: &Config, source: &OfSecret) -> Result<Self, SourceFault> {
        let namespace = config.kubernetes.namespace.clone().unwrap_or_default();
        let name = SecretName { namespace, name: source.name.clone() };
        let api = Api::of_pod().map_err(|fault| of_secret_fault(&fault, &name))?;
        let (sender, news) = channel(1);
        let task = tokio::spawn(follow(SecretWatch::new(api, name.clone()), name.clone(), sender));
        Ok(Self { name, news, _task: AbortOnDropHandle::new(task) })
    }

    /// What is new within `wait`; `None`: nothing is.
    pub(super) async fn news(
        &mut self,
        source: &OfSecret,
        wait: Duration,
    ) -> Result<Option<Bundle>, SourceFault> {
        match timeout(wait, self.news.recv()).await {
            Ok(Some(Ok(secret))) => of_secret(&secret, &self.name, source).map(Some),
            Ok(Some(Err(fault))) => Err(of_secret_fault(&fault, &self.name)),
            // It ends only with who listens.
            Err(_) | Ok(None) => Ok(None),
        }
    }
}

async fn follow(mut watch: SecretWatch, name: SecretName, sender: Sender<Result<Secret, Fault>>) {
    let mut told = None;
    loop {
        let news = watch.next().await;
        let unwatched = watch.unwatched();
        if let Some(why) = unwatched
            && told.as_ref() != unwatched
        {
            let remedy = SECRETS.remedy(why);
            tracing::warn!("{name} is not watched but read every few seconds: {why}; remedy: {remedy}");
        }
        told = unwatched.cloned();
        if sender.send(news).await.is_err() {
            return;
        }
    }
}
