//! The one binary, `llavero`: reads the settings, then does what its command says. Without a command it is the
//! development set-up, with nothing to configure. Each command ends with an exit code that scripts can trust.

mod commands;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use commands::api_keys::ApiKeyCommand;
use commands::audit::AuditCommand;
use commands::bulk::Source;
use llavero::config::Config;
use llavero::domain::admin::Role;
use llavero::domain::id::{AppId, JobId, StoreId};
use llavero::domain::job::JobStatus;
use llavero::domain::store::{Mode, StoreStatus};

/// Self-hosted access-token broker for e-commerce platforms.
#[derive(Parser)]
#[command(name = "llavero", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Development: private PostgreSQL, simulated platforms, demo partner (the default)
    Dev,
    /// The production web server
    Serve {
        /// Also run the worker in this process
        #[arg(long)]
        work: bool,
    },
    /// The worker alone
    Work,
    /// Apply pending migrations
    Migrate {
        /// Only tell whether any is pending (exit code 1 if so)
        #[arg(long)]
        check: bool,
    },
    /// Admins of this installation
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Partners' apps
    #[command(subcommand)]
    App(AppCommand),
    /// API keys of partners' apps
    #[command(subcommand)]
    ApiKey(ApiKeyCommand),
    /// The key ring that seals the platforms' credentials
    #[command(subcommand)]
    Key(KeyCommand),
    /// The platforms that stores can be connected on
    #[command(subcommand)]
    Platform(PlatformCommand),
    /// Connected stores
    #[command(subcommand)]
    Store(StoreCommand),
    /// Work that waits, runs or was given up
    #[command(subcommand)]
    Job(JobCommand),
    /// The trail of who did what
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Write all stores of an app to a file sealed to a passphrase, and freeze them here
    Export {
        #[arg(long)]
        app: AppId,
        /// The file to write; it must not be there yet
        #[arg(long)]
        out: PathBuf,
        /// File that holds the passphrase on its first line; `-`: standard input
        #[arg(long)]
        passphrase_file: PathBuf,
        /// Go on using them here too: only stores whose credentials don't rotate
        #[arg(long)]
        copy: bool,
        /// Seconds to wait for stores that are being refreshed
        #[arg(long, default_value_t = 60)]
        wait: u64,
    },
    /// Take stores into an app: those of an export, of a CSV, or of Nango
    #[command(group(clap::ArgGroup::new("source").required(true).args(["file", "csv", "nango"])))]
    Import {
        /// An export of another installation
        #[arg(requires = "passphrase_file")]
        file: Option<PathBuf>,
        #[arg(long)]
        app: AppId,
        /// File that holds the passphrase on its first line; `-`: standard input
        #[arg(long, requires = "file")]
        passphrase_file: Option<PathBuf>,
        /// A CSV with the columns platform, customer_id and those of the platforms' fields
        #[arg(long)]
        csv: Option<PathBuf>,
        /// A JSON list of Nango's connections
        #[arg(long)]
        nango: Option<PathBuf>,
        /// Where the results of --csv and --nango go, and are gone on from; beside the file by default
        #[arg(long, conflicts_with = "file")]
        results: Option<PathBuf>,
    },
    /// Print completions for a shell
    Completions { shell: clap_complete::Shell },
    /// Print the manual page
    Man,
    /// The simulated platforms alone
    Sandbox {
        /// Address to listen on
        #[arg(long, default_value = "127.0.0.1:8090")]
        bind: std::net::SocketAddr,
    },
    /// Check settings, database, keys, clock and mail; one line each
    Doctor {
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
enum AdminCommand {
    /// Add an admin and print a one-time sign-in link
    Add {
        email: String,
        #[arg(long)]
        role: Role,
    },
    /// Print another one-time sign-in link for an admin
    Link { email: String },
    /// List the admins
    List {
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
enum AppCommand {
    /// Add an app and print its id, an API key with every scope and its signing secret
    Add {
        /// The partner that owns it; made if there is none of that name
        #[arg(long)]
        partner: String,
        #[arg(long)]
        name: String,
        /// live or sandbox; can't be changed later
        #[arg(long, default_value = "live")]
        mode: Mode,
        /// Address the browser may be sent back to; may be given several times
        #[arg(long = "return-url")]
        return_urls: Vec<String>,
        #[arg(long)]
        json: bool,
    },
    /// List the apps
    List {
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
enum StoreCommand {
    /// List the stores, newest first
    List {
        /// Only this app's
        #[arg(long)]
        app: Option<AppId>,
        #[arg(long)]
        platform: Option<String>,
        /// connected, needs_reauthorization or revoked
        #[arg(long)]
        status: Option<StoreStatus>,
        #[arg(long)]
        json: bool,
    },
    /// Show a store
    Show {
        id: StoreId,
        #[arg(long)]
        json: bool,
    },
    /// Revoke a store for good: its token stops, its credential is taken back and erased
    Revoke { id: StoreId },
}

#[derive(Subcommand)]
enum JobCommand {
    /// List the jobs, newest first
    List {
        /// ready, running, done or failed
        #[arg(long)]
        status: Option<JobStatus>,
        /// At most this many
        #[arg(long, default_value_t = 200)]
        limit: u32,
        #[arg(long)]
        json: bool,
    },
    /// Run a job that was given up, or that waits, at once
    Retry { id: JobId },
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Make a key ring with one key in LLAVERO_KEYS_FILE
    New,
    /// List the keys of the ring, without their material
    List {
        #[arg(long)]
        json: bool,
    },
    /// Add a key that seals from the next start on; the others still open
    Rotate,
    /// Remove a key that nothing is sealed with any more
    Retire { id: String },
}

#[derive(Subcommand)]
enum PlatformCommand {
    /// List the platforms
    List {
        #[arg(long)]
        json: bool,
    },
    /// Show all that is known of a platform
    Show {
        slug: String,
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // What packagers run, where there are no settings.
    let papers = match &arguments.command {
        Some(Command::Completions { shell }) => Some(commands::papers::completions(*shell, Arguments::command())),
        Some(Command::Man) => Some(commands::papers::man(&Arguments::command())),
        _ => None,
    };
    if let Some(done) = papers {
        return match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(stop) => commands::refuse(&stop.lines),
        };
    }
    let config = match read_config() {
        Ok(config) => config,
        Err(lines) => return commands::refuse(&lines),
    };
    let done = match arguments.command.unwrap_or(Command::Dev) {
        Command::Dev => commands::dev::run(config),
        Command::Serve { work } => commands::serve::serve(config, work),
        Command::Work => commands::serve::work(config),
        Command::Migrate { check } => commands::database::migrate(&config, check),
        Command::Admin(AdminCommand::Add { email, role }) => commands::people::add_admin(config, &email, role),
        Command::Admin(AdminCommand::Link { email }) => commands::people::link_admin(config, &email),
        Command::Admin(AdminCommand::List { json }) => commands::people::list_admins(config, json),
        Command::App(AppCommand::Add {
            partner,
            name,
            mode,
            return_urls,
            json,
        }) => commands::people::add_app(config, partner, name, mode, return_urls, json),
        Command::App(AppCommand::List { json }) => commands::people::list_apps(config, json),
        Command::ApiKey(command) => commands::api_keys::run(config, command),
        Command::Audit(command) => commands::audit::run(config, command),
        Command::Key(KeyCommand::New) => commands::keys::new(&config),
        Command::Key(KeyCommand::List { json }) => commands::keys::list(&config, json),
        Command::Key(KeyCommand::Rotate) => commands::keys::rotate(&config),
        Command::Key(KeyCommand::Retire { id }) => commands::keys::retire(config, &id),
        Command::Platform(PlatformCommand::List { json }) => commands::platforms::list(&config, json),
        Command::Platform(PlatformCommand::Show { slug, json }) => commands::platforms::show(&config, &slug, json),
        Command::Store(StoreCommand::List {
            app,
            platform,
            status,
            json,
        }) => commands::stores::list(config, app, platform, status, json),
        Command::Store(StoreCommand::Show { id, json }) => commands::stores::show(config, id, json),
        Command::Store(StoreCommand::Revoke { id }) => commands::stores::revoke(config, id),
        Command::Job(JobCommand::List { status, limit, json }) => commands::jobs::list(config, status, limit, json),
        Command::Job(JobCommand::Retry { id }) => commands::jobs::retry(config, id),
        Command::Export {
            app,
            out,
            passphrase_file,
            copy,
            wait,
        } => commands::moving::export(config, app, &out, &passphrase_file, copy, wait),
        Command::Import {
            file: Some(file),
            app,
            passphrase_file: Some(passphrase_file),
            ..
        } => commands::moving::import(config, app, &file, &passphrase_file),
        Command::Import {
            csv: Some(file),
            app,
            results,
            ..
        } => commands::bulk::run(config, app, &file, Source::Csv, results.as_deref()),
        Command::Import {
            nango: Some(file),
            app,
            results,
            ..
        } => commands::bulk::run(config, app, &file, Source::Nango, results.as_deref()),
        // Refused above: one of the three is there.
        Command::Import { .. } => Ok(()),
        // Both were answered before the settings were read.
        Command::Completions { .. } | Command::Man => Ok(()),
        Command::Sandbox { bind } => commands::sandbox::run(&config, bind),
        Command::Doctor { json } => commands::doctor::run(config, json),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => commands::refuse(&stop.lines),
    }
}

/// The settings of the environment and `.env`; every line that is wrong, at once.
fn read_config() -> Result<Config, Vec<String>> {
    let variables = Config::read_environment(Path::new(".env")).map_err(|error| vec![error.to_string()])?;
    Config::from_env(variables.into_iter()).map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>())
}
