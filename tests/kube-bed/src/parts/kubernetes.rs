//! Kubernetes and etcd, built from their Go modules into the cache, once.
//!
//! `go install k8s.io/kubernetes/cmd/...@version` fails, because that module replaces its own parts by directories
//! beside it. A module of ours that replaces them by their published versions works.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::go;
use crate::places::{self, KUBERNETES};
use crate::run;

/// Built only where there is none on the PATH.
const KUBECTL: (&str, &str) = ("k8s.io/kubernetes/cmd/kubectl", "kubectl");
/// Packages, and the names under which their programs are kept.
const PROGRAMS: [(&str, &str); 5] = [
    ("k8s.io/kubernetes/cmd/kube-apiserver", "kube-apiserver"),
    ("k8s.io/kubernetes/cmd/kube-controller-manager", "kube-controller-manager"),
    ("k8s.io/kubernetes/cmd/kube-scheduler", "kube-scheduler"),
    ("k8s.io/kubernetes/cmd/kubelet", "kubelet"),
    ("go.etcd.io/etcd/server/v3", "etcd"),
];

/// Builds what is not in the cache yet.
pub(super) fn build() -> Result<()> {
    kubectl()?;
    compile_all(&PROGRAMS, "about 9 minutes on two cores")
}

/// Builds kubectl where there is none on the PATH.
pub(super) fn kubectl() -> Result<()> {
    if run::there("kubectl") { Ok(()) } else { compile_all(&[KUBECTL], "about 2 minutes on two cores") }
}

fn compile_all(wanted: &[(&str, &str)], how_long: &str) -> Result<()> {
    let cache = places::cache();
    let missing = |(_, name): &&(&str, &str)| !cache.join(name).exists();
    let programs: Vec<_> = wanted.iter().filter(missing).collect();
    if programs.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(&cache).with_context(|| format!("failed to create {}", cache.display()))?;
    let lock = File::create(cache.join("lock"))?;
    lock.lock().context("failed to lock the cache of Kubernetes")?;
    eprintln!("building Kubernetes {KUBERNETES} from Go modules, {how_long}, once ...");
    let module = cache.join("module");
    fs::create_dir_all(&module)?;
    declare(&module).context("failed to declare the module that builds Kubernetes")?;
    // Those that nobody has built while we waited for the lock.
    for (package, name) in programs.into_iter().filter(missing) {
        eprintln!("  {name} ...");
        compile(&module, package, name).with_context(|| format!("failed to build {name}"))?;
    }
    Ok(())
}

/// The module, with a replacement for each of Kubernetes' own parts: their 0.N is its 1.N.
fn declare(module: &Path) -> Result<()> {
    let (_, minor) = KUBERNETES.split_once('.').context("a version has a dot")?;
    let kubernetes = format!("k8s.io/kubernetes@v{KUBERNETES}");
    // Without a go.mod around, so that no other module has a say.
    let told = run::output(go()?.args(["mod", "download", "-json", &kubernetes]).current_dir("/"))?;
    let told: serde_json::Value = serde_json::from_str(&told)?;
    let own = told["GoMod"].as_str().context("go mod download did not say where the go.mod is")?;
    let own = fs::read_to_string(own).with_context(|| format!("failed to read {own}"))?;
    let replaced: Vec<_> = parts(&own).map(|part| format!("-replace={part}={part}@v0.{minor}")).collect();
    if replaced.is_empty() {
        bail!(
            "the go.mod of Kubernetes {KUBERNETES} replaces nothing: it is put together in another way now"
        );
    }
    fs::write(module.join("go.mod"), "module bed\n\ngo 1.26\n")?;
    let mut edit = go()?;
    edit.args(["mod", "edit"]).args(replaced).arg(format!("-require={kubernetes}")).current_dir(module);
    run::output(&mut edit).map(drop)
}

/// The modules that a go.mod replaces by directories.
fn parts(go_mod: &str) -> impl Iterator<Item = &str> {
    let replaced = go_mod.lines().filter_map(|line| line.trim().split_once(" => ./"));
    replaced.map(|(part, _)| part.trim_start_matches("replace ").trim())
}

fn compile(module: &Path, package: &str, name: &str) -> Result<()> {
    let aside = module.join(name);
    // Without the stamp the server's version is bogus, and clients refuse it.
    let stamp = format!("-s -w -X k8s.io/component-base/version.gitVersion=v{KUBERNETES}");
    let mut build = go()?;
    build.args(["build", "-trimpath", "-ldflags", &stamp, "-o"]).arg(&aside).arg(package).current_dir(module);
    build.env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=mod -buildvcs=false");
    run::output(&mut build)?;
    fs::rename(&aside, places::cache().join(name))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn the_parts_are_what_is_replaced_by_directories() {
        let text = "module k8s.io/kubernetes\n\nreplace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n\
                    \tk8s.io/kubelet => ./staging/src/k8s.io/kubelet\n\tx.org/y => x.org/z v1.2.3\n)\n\
                    replace k8s.io/metrics => ./staging/src/k8s.io/metrics\n";
        let found: Vec<_> = parts(text).collect();
        assert_eq!(found, ["k8s.io/api", "k8s.io/kubelet", "k8s.io/metrics"]);
    }
}
