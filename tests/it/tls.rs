//! The libpq that is built into the program speaks TLS and checks whom it speaks to: a production database is often
//! reached over a network, and a build without TLS would be noticed there first.

use std::fs;
use std::path::{Path, PathBuf};

use diesel::{Connection as _, PgConnection, RunQueryDsl as _};
use llavero::dev::postgres::{Cluster, Settings, Tls};
use llavero::domain::secret::Secret;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::support::cluster::{entropy, parent, programs};

struct Server {
    cluster: Cluster,
    folder: tempfile::TempDir,
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server whose certificate is for `localhost`, with the authorities `right.pem` and `wrong.pem` beside it.
fn server() -> Server {
    let folder = tempfile::tempdir().unwrap();
    let right = authority("right");
    fs::write(folder.path().join("right.pem"), right.pem()).unwrap();
    fs::write(folder.path().join("wrong.pem"), authority("wrong").pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &right)
        .unwrap();
    let tls = Tls {
        certificate: certificate.pem(),
        key: Secret::new(key.serialize_pem()),
    };
    let settings = Settings {
        tls: Some(tls),
        ..Settings::fast()
    };
    let cluster = Cluster::temporary(&programs(), &parent(), &settings, entropy()).unwrap_or_else(|e| panic!("{e}"));
    Server { cluster, folder }
}

impl Server {
    fn connect(&self, host: &str, authority: &str) -> Result<PgConnection, diesel::ConnectionError> {
        let root: PathBuf = Path::new(self.folder.path()).join(authority);
        let url = self
            .cluster
            .url_for("postgres")
            .expose()
            .replace("@127.0.0.1:", &format!("@{host}:"));
        PgConnection::establish(&format!(
            "{url}?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert={}",
            root.display()
        ))
    }
}

fn reason(refused: Result<PgConnection, diesel::ConnectionError>) -> String {
    refused.err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn a_database_is_spoken_to_over_tls_only_if_it_is_the_right_one() {
    let server = server();
    let mut connection = server
        .connect("localhost", "right.pem")
        .unwrap_or_else(|error| panic!("{error}"));
    #[derive(diesel::QueryableByName)]
    struct Session {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        ssl: bool,
    }
    let session: Session = diesel::sql_query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        .get_result(&mut connection)
        .unwrap();
    assert!(session.ssl);

    let wrong_authority = reason(server.connect("localhost", "wrong.pem"));
    assert!(
        wrong_authority.contains("certificate verify failed"),
        "{wrong_authority}"
    );
    let wrong_name = reason(server.connect("db.example.com", "right.pem"));
    assert!(wrong_name.contains("does not match host name"), "{wrong_name}");
}
