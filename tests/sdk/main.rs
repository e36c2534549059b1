//! Third parties agree: SDKs from npm and PyPI, the platforms' own among them, meet the simulated platforms with their
//! own sign-in, token and signature code, and then the same stores through Llavero's proxy. Each trial runs one script
//! of `node` or `python`; what the scripts share stands in `meeting` there. The samples of the guides and of the reference
//! run here too, and the example of a partner's back end. A trial whose SDK or interpreter is not installed is reported as
//! ignored, with the reason. One `llavero dev` serves them all; two others, without limits, serve the samples of the
//! reference, and meet schemathesis with their own description.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod guides;
#[path = "../browser/process.rs"]
#[allow(dead_code, reason = "shared with the browser walks")]
mod process;
#[path = "../browser/product.rs"]
#[allow(dead_code, reason = "shared with the browser walks")]
mod product;
#[path = "../browser/programs.rs"]
#[allow(dead_code, reason = "shared with the browser walks")]
mod programs;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use process::Process;
use product::{Development, DevelopmentFolder};
use programs::Missing;

use Registry::{Npm, Pypi};

/// Platform, registry, package, and the script without its ending; our own webhooks are one more that answers.
const MEETINGS: &[(&str, Registry, &str, &str)] = &[
    ("amazon", Npm, "amazon-sp-api", "amazon-sp-api"),
    ("bling", Npm, "bling-erp-api", "bling-erp-api"),
    ("ebay", Npm, "ebay-api", "ebay-api"),
    ("ebay", Npm, "ebay-oauth-nodejs-client", "ebay-oauth-nodejs-client"),
    ("etsy", Npm, "etsy-ts", "etsy-ts"),
    ("quickbooks", Npm, "intuit-oauth", "intuit-oauth"),
    ("salesforce", Npm, "jsforce", "jsforce"),
    ("shopify", Npm, "@shopify/shopify-api", "shopify-api"),
    ("wix", Npm, "@wix/sdk", "wix-sdk"),
    ("woocommerce", Npm, "@woocommerce/woocommerce-rest-api", "woocommerce"),
    ("amazon", Pypi, "python-amazon-sp-api", "amazon_sp_api"),
    ("bigcommerce", Pypi, "bigcommerce", "bigcommerce_api"),
    ("falabella", Pypi, "FalabellaAPIClient", "falabella_client"),
    ("magento-1", Pypi, "requests-oauthlib", "magento_1_oauthlib"),
    ("magento-2", Pypi, "pymagento", "magento_2_pymagento"),
    ("magento-2", Pypi, "requests-oauthlib", "magento_2_oauthlib"),
    ("mercado-libre", Pypi, "pymeli", "mercado_libre_pymeli"),
    ("odoo", Pypi, "pyodoo-client", "odoo_client"),
    ("prestashop", Pypi, "prestapyt", "prestapyt_webservice"),
    ("quickbooks", Pypi, "intuit-oauth", "intuit_oauth"),
    ("salesforce", Pypi, "simple-salesforce", "salesforce_simple"),
    ("shein", Pypi, "shein-api", "shein_openapi"),
    ("squarespace", Pypi, "squarespace-commerce", "squarespace_api"),
    ("tiktok-shop", Pypi, "tiktok-shop-api", "tiktok_shop_open"),
    ("walmart", Pypi, "python-walmart", "walmart_marketplace"),
    ("woocommerce", Pypi, "WooCommerce", "woocommerce_rest"),
    ("webhooks", Npm, "standardwebhooks", "standardwebhooks"),
    ("webhooks", Pypi, "standardwebhooks", "standard_webhooks"),
];

/// Languages of the reference, and what runs them.
const LANGUAGES: &[(&str, &str)] = &[("curl", "sh"), ("JavaScript", "node"), ("Python", "python3")];

/// How long a script may take on a busy machine; schemathesis asks for more than a minute.
const LONGEST: Duration = Duration::from_secs(180);

#[derive(Clone, Copy, Debug)]
enum Registry {
    Npm,
    Pypi,
}

fn main() -> ExitCode {
    let shared = Arc::new(Shared::default());
    let trials = MEETINGS.iter().map(|&(platform, registry, package, script)| {
        let shared = shared.clone();
        let name = format!("{platform}_answers_{registry:?}_{package}").to_lowercase();
        Trial::ignorable_test(name, move || {
            match programs::postgres().and_then(|()| interpreter(registry, package)) {
                Ok(interpreter) => meet(&shared, &interpreter, &script_of(registry, script)),
                Err(missing) => Ok(Completion::ignored_with(missing)),
            }
        })
    });
    let samples = guides::all().into_iter().map(|samples| {
        let shared = shared.clone();
        Trial::ignorable_test(samples.name.clone(), move || {
            let folder = tempfile::tempdir()?;
            match programs::postgres().and_then(|()| samples.interpreter()) {
                Ok(interpreter) => meet(&shared, &interpreter, &samples.write(folder.path())?),
                Err(missing) => Ok(Completion::ignored_with(missing)),
            }
        })
    });
    let description = Trial::ignorable_test("openapi_answers_pypi_schemathesis", || {
        match programs::postgres().and_then(|()| python("openapi", "schemathesis")) {
            Ok(python) => describe(&python),
            Err(missing) => Ok(Completion::ignored_with(missing)),
        }
    });
    let example = {
        let shared = shared.clone();
        Trial::ignorable_test(
            "example_partner_prints_what_its_page_says",
            move || match programs::postgres().and_then(|()| guides::find("python3")) {
                Ok(python) => rehearse(&shared, &python),
                Err(missing) => Ok(Completion::ignored_with(missing)),
            },
        )
    };
    let apart = Arc::new(Shared::unlimited());
    let reference = LANGUAGES.iter().map(|&(label, program)| {
        let apart = apart.clone();
        Trial::ignorable_test(
            format!("reference_runs_in_{}", label.to_lowercase()),
            move || match programs::postgres().and_then(|()| with_python(program)) {
                Ok((python, program)) => show(&apart, &python, label, &program),
                Err(missing) => Ok(Completion::ignored_with(missing)),
            },
        )
    });
    let trials = trials
        .chain(samples)
        .chain(reference)
        .chain([example, description])
        .collect();
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    drop((shared, apart));
    conclusion.exit_code()
}

/// The one Llavero of a run, from the first trial that needs it to the last.
#[derive(Default)]
struct Shared {
    settings: &'static [(&'static str, &'static str)],
    running: Mutex<Option<Running>>,
}

struct Running {
    // Before its folder: it ends first.
    development: Development,
    _folder: DevelopmentFolder,
}

/// Nobody's haste is slowed down.
const UNLIMITED: &[(&str, &str)] = &[("LLAVERO_APP_RATE", "0"), ("LLAVERO_STORE_RATE", "0")];

impl Shared {
    /// For scripts that make many calls, and change what others rely on.
    fn unlimited() -> Self {
        Self {
            settings: UNLIMITED,
            ..Self::default()
        }
    }

    /// What stands in its `dev.env`.
    fn environment(&self) -> std::io::Result<BTreeMap<String, String>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = &*running {
            return Ok(running.development.environment.clone());
        }
        let folder = DevelopmentFolder::new();
        let development = runtime()?.block_on(folder.start_with(self.settings));
        let environment = development.environment.clone();
        *running = Some(Running {
            development,
            _folder: folder,
        });
        Ok(environment)
    }
}

fn meet(shared: &Shared, interpreter: &Path, script: &Path) -> Result<Completion, Failed> {
    run(shared.environment()?, interpreter, script)
}

/// The description of the API against an installation of its own, since calls revoke stores and remove endpoints.
fn describe(python: &Path) -> Result<Completion, Failed> {
    let folder = DevelopmentFolder::new();
    let development = runtime()?.block_on(folder.start_with(UNLIMITED));
    let script = self::folder().join("tests/sdk/openapi/description.py");
    run(development.environment.clone(), python, &script)
}

/// The partner's back end of `examples`, from the link to the revocation: it prints what its page shows.
fn rehearse(shared: &Shared, python: &Path) -> Result<Completion, Failed> {
    let example = folder().join("examples/partner");
    let page = std::fs::read_to_string(example.join("README.md"))?;
    let shown = guides::blocks(&page, "```text").concat();
    let printed = output(shared.environment()?, python, &example.join("walk.py"))?;
    if !shown.is_empty() && printed == shown {
        return Ok(Completion::Completed);
    }
    Err(format!("its page shows\n{shown}\nand it printed\n{printed}").into())
}

/// The samples of the reference in one language, as its pages show them.
fn show(apart: &Shared, python: &Path, label: &str, program: &Path) -> Result<Completion, Failed> {
    let script = folder().join("tests/sdk/python/reference_samples.py");
    let arguments = [label, program.to_str().unwrap()];
    output_with(apart.environment()?, python, &script, &arguments).map(|_| Completion::Completed)
}

/// Python, and the program that runs another language.
fn with_python(program: &str) -> Result<(PathBuf, PathBuf), Missing> {
    let python = guides::find("python3")?;
    let program = match program {
        "node" => programs::node()?,
        "sh" => guides::find("curl").and_then(|_| guides::find("sh"))?,
        other => guides::find(other)?,
    };
    Ok((python, program))
}

fn run(environment: BTreeMap<String, String>, interpreter: &Path, script: &Path) -> Result<Completion, Failed> {
    output(environment, interpreter, script).map(|_| Completion::Completed)
}

fn output(environment: BTreeMap<String, String>, interpreter: &Path, script: &Path) -> Result<String, Failed> {
    output_with(environment, interpreter, script, &[])
}

/// Runs a script to its end; it fails by ending otherwise than with 0. Returns what it wrote.
fn output_with(
    mut environment: BTreeMap<String, String>,
    interpreter: &Path,
    script: &Path,
    arguments: &[&str],
) -> Result<String, Failed> {
    environment.insert("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned());
    let environment: Vec<(&str, &str)> = environment
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let folder = tempfile::tempdir()?;
    let mut command = vec![interpreter.to_str().unwrap(), script.to_str().unwrap()];
    command.extend(arguments);
    let mut process = Process::start(&command, &environment, &folder.path().join("output.log"));
    let ended = runtime()?.block_on(process.ended_within(LONGEST));
    if ended.success() {
        return Ok(process.written());
    }
    Err(format!("{}: {ended}\n{}", script.display(), process.written()).into())
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn script_of(registry: Registry, script: &str) -> PathBuf {
    match registry {
        Npm => folder().join(format!("tests/sdk/node/{script}.mjs")),
        Pypi => folder().join(format!("tests/sdk/python/{script}.py")),
    }
}

/// What runs scripts with this package.
fn interpreter(registry: Registry, package: &str) -> Result<PathBuf, Missing> {
    match registry {
        Npm => {
            let node = programs::node()?;
            let installed = folder().join("tests/sdk/node/node_modules").join(package);
            if installed.join("package.json").exists() {
                return Ok(node);
            }
            Err(Missing(format!("no `{package}`: run `npm ci` in tests/sdk/node")))
        }
        Pypi => python("python", package),
    }
}

/// The interpreter with what stands in `tests/sdk/{set}/requirements.txt`, if it has this package.
fn python(set: &str, package: &str) -> Result<PathBuf, Missing> {
    let python = folder().join(format!("target/sdk-{set}/bin/python"));
    let question = format!("import importlib.metadata as found; found.version('{package}')");
    let asked = Command::new(&python).args(["-c", &question]).output();
    if asked.is_ok_and(|answer| answer.status.success()) {
        return Ok(python);
    }
    let make = format!(
        "python3 -m venv target/sdk-{set} && target/sdk-{set}/bin/pip install -r tests/sdk/{set}/requirements.txt"
    );
    Err(Missing(format!("no `{package}`: run `{make}`")))
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
