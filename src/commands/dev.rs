//! `llavero dev`, the default: everything on this machine, nothing to configure. The first start makes a private
//! Postgres, a key ring and a demo partner in the data directory; later starts find them there.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use llavero::clock::Clock;
use llavero::config::Config;
use llavero::crypto::{KeyRing, Random};
use llavero::dev::demo;
use llavero::dev::environment::{Environment, remembered_api_key};
use llavero::dev::postgres::{Cluster, Programs, Settings};
use llavero::{db, jobs, sandbox, web};
use url::Url;

use super::people::sign_in_url;
use super::serve::{asked_to_stop, serve_metrics, stop_metrics, wind_down};
use super::{Stop, runtime, say, start_logging, tools};

/// Starts all of it, prints the links, and stops all of it at Ctrl-C.
pub fn run(mut config: Config) -> Result<(), Stop> {
    start_logging(&config)?;
    let folder = config.data_dir.clone();
    std::fs::create_dir_all(&folder)
        .map_err(|error| Stop::line(format!("LLAVERO_DATA_DIR {}: {error}", folder.display())))?;

    let cluster = if config.database_url.is_none() {
        say("starting PostgreSQL ...");
        let programs = Programs::find().map_err(|error| Stop::line(error.to_string()))?;
        let cluster = Cluster::start(&programs, &folder, &Settings::development(), Random::system().bytes())
            .map_err(|error| Stop::line(error.to_string()))?;
        config.database_url = Some(cluster.url_for("llavero"));
        Some(cluster)
    } else {
        None
    };
    let served = prepare(&mut config, &folder).and_then(|()| serve(config, &folder));
    if let Some(cluster) = cluster {
        cluster.stop().map_err(|error| Stop::line(error.to_string()))?;
    }
    served
}

/// Migrates, and makes a key ring if there is none.
fn prepare(config: &mut Config, folder: &Path) -> Result<(), Stop> {
    let url = super::database_url(config)?;
    db::migrate(&url).map_err(Stop::because("migrating"))?;
    let keys = config.keys_file.clone().unwrap_or_else(|| folder.join("keys.toml"));
    if !keys.exists() {
        KeyRing::generate(&Random::system(), Clock::system().now())
            .write(&keys)
            .map_err(|error| Stop::line(format!("{}: {error}", keys.display())))?;
    }
    config.keys_file = Some(keys);
    // Shops on this machine can be connected: this is development.
    config.allow_private_hosts = true;
    Ok(())
}

fn serve(mut config: Config, folder: &Path) -> Result<(), Stop> {
    let detached = runtime(2, "refresh")?;
    actix_web::rt::System::new().block_on(async {
        let listener = listen(config.bind)?;
        let address = listener.local_addr().map_err(Stop::because("listening"))?;
        let public_url = config.public_url.clone().unwrap_or_else(|| local_url(address));
        config.public_url = Some(public_url.clone());
        let simulated = match &config.sandbox_url {
            Some(_) => None,
            None => {
                let wanted = SocketAddr::new(address.ip(), address.port().saturating_add(1));
                let listener = listen(wanted)?;
                let running = sandbox::server::serve_on(listener, super::sandbox::options())
                    .map_err(Stop::because("starting the simulated platforms"))?;
                config.sandbox_url = Some(local_url(running.address));
                Some(running)
            }
        };
        let app = tools(config, detached.handle().clone())?;
        let file = folder.join("dev.env");
        let demo = demo::prepare(&app, remembered_api_key(&file))
            .await
            .map_err(Stop::because("preparing the demo partner"))?;
        if let Some(simulated) = &simulated {
            simulated.state.tell(demo::addresses(&public_url, demo.app_id));
        }
        let base = public_url.as_str().trim_end_matches('/').to_owned();
        let environment = Environment {
            url: base.clone(),
            admin_url: sign_in_url(&app, &demo.admin_link).into(),
            connect_url: format!("{base}/connect/apps/{}", demo.app_id),
            app_id: demo.app_id.to_string(),
            api_key: demo.api_key.clone(),
            signing_secret: demo.signing_secret.clone(),
            return_url: format!("{base}/demo/return"),
            sandbox_url: app
                .config
                .sandbox_url
                .as_ref()
                .map_or_else(String::new, |url| url.as_str().trim_end_matches('/').to_owned()),
            database_url: super::database_url(&app.config)?,
        };
        environment
            .write(&file)
            .map_err(|error| Stop::line(format!("{}: {error}", file.display())))?;

        let url = format!("{base}{}", web::urls::DEMO_WEBHOOKS);
        let url = Url::parse(&url).map_err(Stop::because("the demo partner's webhooks"))?;
        let secret = demo::hear_webhooks(&app, demo.app_id, &url)
            .await
            .map_err(Stop::because("the demo partner's webhooks"))?;
        let setup = web::Setup {
            app: app.clone(),
            demo: Some(web::Demo {
                app_id: demo.app_id,
                api_key: demo.api_key,
                inbox: Some(Arc::new(web::Inbox::new(secret))),
            }),
        };
        let server = web::start(setup, listener).map_err(Stop::because("starting the web server"))?;
        let metrics = serve_metrics(&app)?;
        let background = jobs::Background::start(app.clone());
        let runner = jobs::Runner::start(app.clone());
        say(&welcome(&environment, &file));
        asked_to_stop().await;
        say("stopping ...");
        server.stop(true).await;
        wind_down(Some(runner), background).await;
        stop_metrics(metrics).await;
        if let Some(simulated) = simulated {
            simulated.stop().await;
        }
        Ok(())
    })
}

/// The wanted address, or a free port if another program has it.
fn listen(wanted: SocketAddr) -> Result<TcpListener, Stop> {
    TcpListener::bind(wanted)
        .or_else(|_| TcpListener::bind(SocketAddr::new(wanted.ip(), 0)))
        .map_err(|error| Stop::line(format!("{wanted}: {error}")))
}

fn local_url(address: SocketAddr) -> Url {
    let ip = if address.ip().is_unspecified() {
        Ipv4Addr::LOCALHOST.into()
    } else {
        address.ip()
    };
    let text = format!("http://{}/", SocketAddr::new(ip, address.port()));
    #[expect(clippy::expect_used, reason = "a socket address with a scheme before it is a URL")]
    Url::parse(&text).expect("a socket address makes a URL")
}

fn welcome(environment: &Environment, file: &Path) -> String {
    format!(
        "\nLlavero is running. Ctrl-C stops it.\n\n  \
         connect a store   {}\n  \
         demo partner      {}/demo\n  \
         its webhooks      {}/demo/webhooks\n  \
         admin pages       {}\n  \
         simulated platforms' control API   {}/_control/openapi.json\n  \
         API key           in {} (also addresses, for scripts)\n",
        environment.connect_url,
        environment.url,
        environment.url,
        environment.admin_url.expose(),
        environment.sandbox_url,
        file.display(),
    )
}
