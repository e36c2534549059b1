//! One headless Chromium with a profile of its own, driven as a person would: by the words on links, buttons and fields.
//! Pictures of the pages go to `target/walks`, narrow and wide, light and dark; a page that is wider than the screen fails
//! the walk that looks at it.

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use super::process::{Process, until};
use super::programs::BrowserPrograms;

const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en-US",
    "--window-size=1280,900",
];
/// A small telephone and a usual desk, in CSS pixels.
const WIDTHS: [u32; 2] = [360, 1280];

/// A browser window; dropping it ends the browser.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    pictures: PathBuf,
    taken: usize,
    _driver: Process,
    _folder: tempfile::TempDir,
}

impl Browser {
    /// `walk` names the folder of the pictures, which is emptied.
    pub async fn open(programs: &BrowserPrograms, walk: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        let mut driver = Process::start(
            &[programs.chromedriver.to_str().unwrap(), "--port=0"],
            &[("HOME", home), ("LANG", "en_US.UTF-8"), ("TMPDIR", home)],
            &folder.path().join("chromedriver.log"),
        );
        let line = driver.line_with("started successfully on port").await;
        let port: u16 = line.trim_end_matches('.').rsplit(' ').next().unwrap().parse().unwrap();
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).into();
        flags.push(format!("--user-data-dir={home}/profile"));
        let options = json!({ "binary": programs.chromium, "args": flags });
        let capabilities = [("goog:chromeOptions".to_owned(), options)].into_iter().collect();
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap();
        let pictures = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .parent()
            .unwrap()
            .join("walks")
            .join(walk);
        let _ = fs::remove_dir_all(&pictures);
        fs::create_dir_all(&pictures).unwrap();
        Self {
            client,
            pictures,
            taken: 0,
            _driver: driver,
            _folder: folder,
        }
    }

    pub async fn open_page(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    pub async fn address(&self) -> String {
        self.client.current_url().await.unwrap().to_string()
    }

    /// The words of the page as they are seen.
    pub async fn text(&self) -> String {
        match self.client.find(Locator::Css("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Waits for words to be seen on the page, which another page may have to replace first.
    pub async fn see(&self, words: &str) {
        let looking = until(words, async || self.text().await.contains(words).then_some(()));
        // What is there instead says more than that it was not found.
        if tokio::time::timeout(std::time::Duration::from_secs(20), looking)
            .await
            .is_err()
        {
            panic!("no `{words}` on {}:\n{}", self.address().await, self.text().await);
        }
    }

    /// Clicks the first link or button that holds these words.
    pub async fn press(&self, words: &str) {
        let anything = format!(r#"(//a | //button | //summary)[contains(normalize-space(.), "{words}")]"#);
        self.find(Locator::XPath(&anything), words).await.click().await.unwrap();
    }

    /// Clicks what a selector finds first, where words would say less.
    pub async fn press_css(&self, selector: &str) {
        self.find(Locator::Css(selector), selector).await.click().await.unwrap();
    }

    /// Types into the field of this name.
    pub async fn enter(&self, field: &str, text: &str) {
        let field = self.find(Locator::Css(&format!("[name='{field}']")), field).await;
        field.send_keys(text).await.unwrap();
    }

    /// Chooses in the list of this name.
    pub async fn choose(&self, list: &str, value: &str) {
        let found = self.find(Locator::Css(&format!("select[name='{list}']")), list).await;
        found.select_by_value(value).await.unwrap();
    }

    async fn find(&self, what: Locator<'_>, words: &str) -> Element {
        match self.client.find(what).await {
            Ok(found) => found,
            Err(_) => panic!(
                "nothing to use for `{words}` on {}:\n{}",
                self.address().await,
                self.text().await
            ),
        }
    }

    /// Keeps a page from going on to the next one by itself.
    pub async fn stay(&self) {
        self.client.execute("window.stop()", Vec::new()).await.unwrap();
    }

    /// Takes the page's pictures, and measures whether all of it fits.
    pub async fn picture(&mut self, name: &str) {
        self.taken += 1;
        // A bar at the side would take its place from a small screen, where there is none.
        self.devtools("Emulation.setScrollbarsHidden", json!({ "hidden": true }))
            .await;
        for width in WIDTHS {
            let screen = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
            self.devtools("Emulation.setDeviceMetricsOverride", screen).await;
            for look in ["light", "dark"] {
                // Without motion, or a change of colours is caught half-way.
                let looks = json!({ "features": [
                    { "name": "prefers-color-scheme", "value": look },
                    { "name": "prefers-reduced-motion", "value": "reduce" },
                ] });
                self.devtools("Emulation.setEmulatedMedia", looks).await;
                self.save(&format!("{:02}-{name}-{width}-{look}.png", self.taken)).await;
            }
            let script = "return document.documentElement.scrollWidth";
            let needs = self.client.execute(script, Vec::new()).await.unwrap().as_u64().unwrap();
            assert!(
                needs <= u64::from(width),
                "{name} is {needs} px wide on a screen of {width} px"
            );
        }
        self.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await;
    }

    /// Stays on a small screen, by day, from here on.
    pub async fn on_a_telephone(&self) {
        self.devtools("Emulation.setScrollbarsHidden", json!({ "hidden": true }))
            .await;
        let screen = json!({ "width": WIDTHS[0], "height": 800, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await;
        let look = json!({ "features": [{ "name": "prefers-color-scheme", "value": "light" }] });
        self.devtools("Emulation.setEmulatedMedia", look).await;
    }

    /// What a script on the page returns.
    pub async fn script(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// One picture of the page as it is on the screen, which `sheet` shows beside the others.
    pub async fn snap(&mut self, name: &str) {
        self.taken += 1;
        self.save(&format!("{:03}-{name}.png", self.taken)).await;
    }

    /// All pictures of `snap` on one sheet, small.
    pub async fn sheet(&self) {
        let mut names: Vec<String> = fs::read_dir(&self.pictures)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        let figures: String = names
            .iter()
            .map(|name| format!("<figure><figcaption>{name}</figcaption><img src=\"{name}\"></figure>"))
            .collect();
        let style = "body { margin: 0; columns: 12; column-gap: 6px; font: 9px sans-serif; background: #888 }
            figure { margin: 0 0 6px; break-inside: avoid } img { width: 100% }";
        let page = self.pictures.join("sheet.html");
        fs::write(&page, format!("<!doctype html><style>{style}</style>{figures}")).unwrap();
        self.open_page(url::Url::from_file_path(&page).unwrap().as_str()).await;
        let screen = json!({ "width": 2400, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await;
        self.save("sheet.png").await;
    }

    async fn save(&self, file: &str) {
        let taken = self
            .devtools("Page.captureScreenshot", json!({ "captureBeyondViewport": true }))
            .await;
        let picture = STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
        fs::write(self.pictures.join(file), picture).unwrap();
    }

    /// A command of the browser's own protocol, which can do what WebDriver cannot.
    async fn devtools(&self, command: &'static str, parameters: Value) -> Value {
        self.client.issue_cmd(DevTools { command, parameters }).await.unwrap()
    }
}

#[derive(Debug)]
struct DevTools {
    command: &'static str,
    parameters: Value,
}

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        let body = json!({ "cmd": self.command, "params": self.parameters });
        (http::Method::POST, Some(body.to_string()))
    }
}
