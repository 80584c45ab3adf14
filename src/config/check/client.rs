//! Who the agent is to Kafka: what goes together, and what is missing.

use std::path::PathBuf;

use super::{
    super::{
        file::client::{self as file, Mechanism},
        model::client::{Client, Login, Sasl},
    },
    Check,
};

impl Check<'_> {
    pub(super) fn client(&mut self, file: file::Client) -> Option<Client> {
        let before = self.problems.len();
        let authority = self.absolute("broker.client.authority", file.authority);
        let pair = (file.certificate.is_some(), file.key.is_some());
        let certificate = self.absolute("broker.client.certificate", file.certificate);
        let key = self.absolute("broker.client.key", file.key);
        for (path, other, there) in [
            ("broker.client.key", "certificate", pair == (true, false)),
            ("broker.client.certificate", "key", pair == (false, true)),
        ] {
            if there {
                self.wrong::<()>(
                    path,
                    format!("it is required by broker.client.{other}"),
                    "name both, or none",
                );
            }
        }
        if let Some(name) = &file.server_name {
            let odd = |c: char| c.is_whitespace() || c.is_control() || "/[]*".contains(c);
            if name.is_empty() || name.contains(odd) {
                let remedy = "write one name or address that the certificate has, without a port";
                self.wrong::<()>("broker.client.serverName", format!("{name:?} is no host name"), remedy);
            }
        }
        let sasl = self.sasl(file.sasl);
        (self.problems.len() == before).then_some(Client {
            authority,
            own: certificate.zip(key),
            server_name: file.server_name,
            sasl,
        })
    }

    fn sasl(&mut self, file: file::Sasl) -> Option<Sasl> {
        let given = [
            ("usernameFile", file.username_file.is_some()),
            ("passwordFile", file.password_file.is_some()),
            ("tokenFile", file.token_file.is_some()),
        ];
        let Some(mechanism) = file.mechanism else {
            let path = "broker.client.sasl.mechanism";
            if given.iter().any(|(_, given)| *given) && !self.gathered.is_spoilt(path) {
                let remedy = "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER";
                self.wrong::<()>(path, "it is required", remedy);
            }
            return None;
        };
        let by_token = mechanism == Mechanism::OauthBearer;
        for (name, given) in given {
            let path = format!("broker.client.sasl.{name}");
            let wanted = (name == "tokenFile") == by_token;
            if given && !wanted {
                self.wrong::<()>(
                    &path,
                    "it does not go with this mechanism",
                    "take it out, or correct the mechanism",
                );
            } else if wanted && !given && !self.gathered.is_spoilt(&path) {
                let remedy = "name the file that holds it; values never stand here themselves";
                self.wrong::<()>(&path, "this mechanism requires it", remedy);
            }
        }
        let mut path =
            |name: &str, path: Option<PathBuf>| self.absolute(&format!("broker.client.sasl.{name}"), path);
        let (username, password) =
            (path("usernameFile", file.username_file), path("passwordFile", file.password_file));
        let token = path("tokenFile", file.token_file);
        let login = if by_token {
            Login::Token { token: token? }
        } else {
            Login::Password { username: username?, password: password? }
        };
        Some(Sasl { mechanism, login })
    }
}
