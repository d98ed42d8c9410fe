//! Headless Chromium, driven by its own debugging protocol over one WebSocket.
//! Protocol: <https://chromedevtools.github.io/devtools-protocol/>.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::clips::Dir;

/// How long a page may take for what it is asked to do. The machines are slow at times; a pass is much faster.
const PATIENCE: Duration = Duration::from_secs(30);

/// The browser; ends with the test.
pub struct Chromium {
    child: Child,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next: u64,
    complaints: Vec<String>,
    _profile: Dir,
}

/// A tab in a window of its own, with its own cookies.
#[derive(Clone)]
pub struct Page {
    session: String,
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Chromium {
    pub async fn start(name: &str) -> Chromium {
        let profile = Dir::new(&format!("chromium-{name}"));
        let mut child = Command::new("chromium")
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            // Two windows of one screen: the one behind is as awake as the one in front.
            .args(["--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding"])
            .args(["--disable-background-timer-throttling"])
            .args(["--autoplay-policy=no-user-gesture-required", "--mute-audio", "--remote-debugging-port=0"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("chromium is installed (tests/run.sh does it)");
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let url = loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).unwrap() > 0, "chromium ended at once");
            if let Some((_, url)) = line.split_once("DevTools listening on ") {
                break url.trim().to_owned();
            }
        };
        // What it says later is read away, so that it never waits for a reader.
        std::thread::spawn(move || for _ in said.lines() {});
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        Chromium { child, socket, next: 0, complaints: Vec::new(), _profile: profile }
    }

    async fn call(&mut self, session: Option<&str>, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        self.socket.send(Message::text(message.to_string())).await.unwrap();
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("chromium answers");
            let Message::Text(text) = frame.unwrap().unwrap() else { continue };
            let answer: Value = serde_json::from_str(&text).unwrap();
            if answer["id"] == id {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
            self.notice(&answer);
        }
    }

    fn notice(&mut self, event: &Value) {
        let params = &event["params"];
        match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => self.complaints.push(params["exceptionDetails"].to_string()),
            Some("Log.entryAdded") if params["entry"]["level"] == "error" => {
                self.complaints.push(params["entry"].to_string());
            }
            _ => {}
        }
    }

    /// A new tab in a window of its own.
    pub async fn page(&mut self, width: u32, height: u32) -> Page {
        let context = self.call(None, "Target.createBrowserContext", json!({})).await["browserContextId"].clone();
        let target = json!({ "url": "about:blank", "browserContextId": context, "width": width, "height": height });
        let target = self.call(None, "Target.createTarget", target).await["targetId"].clone();
        let attach = json!({ "targetId": target, "flatten": true });
        let session = self.call(None, "Target.attachToTarget", attach).await["sessionId"].as_str().unwrap().to_owned();
        let page = Page { session };
        for domain in ["Page.enable", "Runtime.enable", "Log.enable", "DOM.enable"] {
            self.on(&page, domain, json!({})).await;
        }
        self.on(&page, "Emulation.setFocusEmulationEnabled", json!({ "enabled": true })).await;
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.on(&page, "Emulation.setDeviceMetricsOverride", screen).await;
        page
    }

    async fn on(&mut self, page: &Page, method: &str, params: Value) -> Value {
        self.call(Some(&page.session), method, params).await
    }

    /// Another size of the window, in the light or in the dark.
    pub async fn look(&mut self, page: &Page, width: u32, height: u32, dark: bool) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.on(page, "Emulation.setDeviceMetricsOverride", size).await;
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.on(page, "Emulation.setEmulatedMedia", media).await;
    }

    /// Opens an address and waits until it is loaded.
    pub async fn open(&mut self, page: &Page, url: &str) {
        self.on(page, "Page.navigate", json!({ "url": url })).await;
        self.until(page, "document.readyState === 'complete' && location.href !== 'about:blank'").await;
    }

    /// The value of an expression (a promise is waited for).
    pub async fn eval(&mut self, page: &Page, expression: &str) -> Value {
        let params =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true });
        let answer = self.on(page, "Runtime.evaluate", params).await;
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub async fn until(&mut self, page: &Page, expression: &str) {
        let begun = Instant::now();
        // A page that is just being left has no answer yet.
        let safe = format!("(() => {{ try {{ return !!({expression}); }} catch {{ return false; }} }})()");
        while self.eval(page, &safe).await != true {
            if begun.elapsed() > PATIENCE {
                let shown = self.eval(page, "document.body.innerText.slice(0, 2000)").await;
                panic!("never so: {expression}\n{shown}\n{:?}", self.complaints);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Clicks the first element that matches, as a person does: in its middle.
    pub async fn click(&mut self, page: &Page, selector: &str) {
        let selector = json!(selector);
        self.until(page, &format!("document.querySelector({selector})?.getClientRects().length")).await;
        let middle = format!(
            "(() => {{ const e = document.querySelector({selector}); e.scrollIntoView({{block: 'center'}});
             const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
        );
        let at = self.eval(page, &middle).await;
        for kind in ["mousePressed", "mouseReleased"] {
            let params = json!({ "type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1 });
            self.on(page, "Input.dispatchMouseEvent", params).await;
        }
    }

    /// Draws a straight line over an element, between two places given as parts of its width and height.
    pub async fn drag(&mut self, page: &Page, selector: &str, from: [f64; 2], to: [f64; 2]) {
        let place = format!(
            "(() => {{ const r = document.querySelector({}).getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; }})()",
            json!(selector)
        );
        let at: [f64; 4] = serde_json::from_value(self.eval(page, &place).await).unwrap();
        let steps = 10;
        for step in 0..=steps {
            let part = f64::from(step) / f64::from(steps);
            let kind = if step == 0 { "mousePressed" } else { "mouseMoved" };
            let [x, y] = [0, 1].map(|i| at[i] + at[i + 2] * (from[i] + (to[i] - from[i]) * part));
            let params = json!({ "type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1 });
            self.on(page, "Input.dispatchMouseEvent", params).await;
            if step == steps {
                let params = json!({ "type": "mouseReleased", "x": x, "y": y, "button": "left", "clickCount": 1 });
                self.on(page, "Input.dispatchMouseEvent", params).await;
            }
        }
    }

    /// Moves the pointer over an element, `part` of its width from its left.
    pub async fn point(&mut self, page: &Page, selector: &str, part: f64) {
        let place = format!(
            "(() => {{ const r = document.querySelector({}).getBoundingClientRect();
             return [r.x + r.width * {part}, r.y + r.height / 2]; }})()",
            json!(selector)
        );
        let at = self.eval(page, &place).await;
        let params = json!({ "type": "mouseMoved", "x": at[0], "y": at[1] });
        self.on(page, "Input.dispatchMouseEvent", params).await;
    }

    /// Puts the focus on an element and types.
    pub async fn write(&mut self, page: &Page, selector: &str, text: &str) {
        self.until(page, &format!("document.querySelector({})", json!(selector))).await;
        self.eval(page, &format!("document.querySelector({}).focus()", json!(selector))).await;
        self.on(page, "Input.insertText", json!({ "text": text })).await;
    }

    /// Presses one key, with Ctrl if asked.
    pub async fn press(&mut self, page: &Page, key: &str, code: &str, ctrl: bool) {
        let text = match key {
            "Enter" => "\r",
            k if k.len() == 1 && !ctrl => k,
            _ => "",
        };
        let virtual_key = match key {
            "Enter" => 13,
            "Escape" => 27,
            k => k.to_ascii_uppercase().bytes().next().unwrap_or(0),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut params = json!({
                "type": kind, "key": key, "code": code, "modifiers": if ctrl { 2 } else { 0 },
                "windowsVirtualKeyCode": virtual_key,
            });
            if kind == "keyDown" && !text.is_empty() {
                params["text"] = text.into();
            }
            self.on(page, "Input.dispatchKeyEvent", params).await;
        }
    }

    /// Presses an arrow key together with Alt.
    pub async fn alt(&mut self, page: &Page, arrow: &str) {
        for kind in ["rawKeyDown", "keyUp"] {
            let params = json!({ "type": kind, "key": arrow, "code": arrow, "modifiers": 1 });
            self.on(page, "Input.dispatchKeyEvent", params).await;
        }
    }

    /// Chooses a file in a file input.
    pub async fn choose(&mut self, page: &Page, selector: &str, file: &std::path::Path) {
        let root = self.on(page, "DOM.getDocument", json!({})).await["root"]["nodeId"].clone();
        let node = self.on(page, "DOM.querySelector", json!({ "nodeId": root, "selector": selector })).await;
        let params = json!({ "nodeId": node["nodeId"], "files": [file] });
        self.on(page, "DOM.setFileInputFiles", params).await;
    }

    /// Errors that the pages have shown on the console or thrown, and forgets them.
    pub fn complaints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.complaints)
    }
}
