//! A Secret, read by its name.

use std::{collections::BTreeMap, fmt};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::{Api, Fault};

/// What a Secret holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its resourceVersion: another one whenever anything of it changes.
    pub version: String,
    /// Its values by their keys, decoded.
    pub data: BTreeMap<String, Vec<u8>>,
}

impl fmt::Debug for Secret {
    /// The names of its keys, and nothing of what they hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({}: {:?})", self.version, self.data.keys())
    }
}

/// Which Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret {}/{}", self.namespace, self.name)
    }
}

impl SecretName {
    fn path(&self) -> String {
        format!("/api/v1/namespaces/{}/secrets/{}", self.namespace, self.name)
    }

    /// A watch of it alone, from `version` on, that the API server ends after so many seconds.
    pub(super) fn watch_path(&self, version: &str, seconds: u64) -> String {
        let Self { namespace, name } = self;
        format!(
            "/api/v1/namespaces/{namespace}/secrets?watch=true&fieldSelector=metadata.name%3D{name}\
             &resourceVersion={version}&timeoutSeconds={seconds}"
        )
    }

    /// Reads it once.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn read(&self, api: &Api) -> Result<Secret, Fault> {
        self.decode(&api.get_whole(&self.path()).await?)
    }

    /// The object as it came.
    pub(super) fn decode(&self, object: &Value) -> Result<Secret, Fault> {
        let version = object.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        let version = version.ok_or_else(|| Fault::Nonsense("its answer has no resourceVersion".into()))?;
        let mut data = BTreeMap::new();
        for (key, value) in object.get("data").and_then(Value::as_object).into_iter().flatten() {
            let bytes = value.as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
            let bytes = bytes.ok_or_else(|| Fault::Malformed(format!("{self}: {key} is not base64")))?;
            data.insert(key.clone(), bytes);
        }
        Ok(Secret { version: version.to_owned(), data })
    }
}
