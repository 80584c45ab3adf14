//! The DNS of the cluster: names of Services, and of their pods, from the `EndpointSlices` of the API server.
//!
//! A Service with an address of its own is answered by its pods' addresses all the same, as there is no kube-proxy.

mod answer;
mod follow;
mod zone;

use std::net::UdpSocket;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::kubectl::Kubectl;
use crate::places::DNS_ADDRESS;
use zone::Zone;

/// How soon the threads see that they are to end.
const LOOK: Duration = Duration::from_millis(200);
/// A question is smaller.
const LARGEST: usize = 4096;

/// A DNS server that runs until it is dropped.
#[derive(Debug)]
pub struct Dns(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    zone: Mutex<Zone>,
    watch: Mutex<Option<Child>>,
    ending: AtomicBool,
}

impl Dns {
    /// Starts answering, and following the API server.
    pub(crate) fn start(kubectl: &Kubectl) -> Result<Self> {
        let socket = UdpSocket::bind((DNS_ADDRESS, 53)).context("failed to listen for DNS")?;
        socket.set_read_timeout(Some(LOOK))?;
        let shared = Arc::new(Shared::default());
        let (serving, following, kubectl) = (Arc::clone(&shared), Arc::clone(&shared), kubectl.clone());
        thread::spawn(move || serve(&socket, &serving));
        thread::spawn(move || follow::follow(&kubectl, &following));
        Ok(Self(shared))
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.0.ending.store(true, Ordering::Relaxed);
        if let Some(watch) = lock(&self.0.watch).as_mut() {
            // It may have ended by itself.
            let _ = watch.kill();
        }
    }
}

fn serve(socket: &UdpSocket, shared: &Shared) {
    let mut question = [0; LARGEST];
    while !shared.ending.load(Ordering::Relaxed) {
        let Ok((length, from)) = socket.recv_from(&mut question) else { continue };
        // What is no question has no answer, and one that cannot be sent is asked for again.
        if let Some(reply) = answer::answer(&question[..length], &lock(&shared.zone)) {
            let _ = socket.send_to(&reply, from);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
