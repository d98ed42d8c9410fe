//! A request by its words, and its answer taken apart: what most stories need of HTTP.

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

use crate::studio::Someone;

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    /// JSON; `null` for an empty body.
    pub body: Value,
    bytes: Vec<u8>,
}

impl Answer {
    pub async fn of(request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.unwrap().to_vec();
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| text());
        let body = if status == StatusCode::NO_CONTENT { Value::Null } else { body };
        Answer { status: status.as_u16(), headers, body, bytes }
    }

    /// The answer, if its status is this one.
    #[track_caller]
    pub fn is(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    pub fn id(&self) -> i64 {
        self.body["id"].as_i64().unwrap_or_else(|| panic!("no id in {}", self.body))
    }

    /// The body as it came.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many statements it took.
    pub fn queries(&self) -> u32 {
        self.header("x-db-queries").parse().unwrap()
    }

    /// The error's code.
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or("")
    }

    /// What is said of a field.
    pub fn field(&self, name: &str) -> &str {
        self.body["error"]["fields"][name].as_str().unwrap_or("")
    }
}

impl Someone {
    /// A request without a body, such as `call("GET /me")`.
    pub async fn call(&self, line: &str) -> Answer {
        Answer::of(self.line(line)).await
    }

    /// A request with a JSON body.
    pub async fn send(&self, line: &str, body: Value) -> Answer {
        Answer::of(self.line(line).json(&body)).await
    }

    /// The request of a line, to be dressed further.
    pub fn line(&self, line: &str) -> RequestBuilder {
        let (method, path) = line.split_once(' ').unwrap();
        self.ask(method.parse::<Method>().unwrap(), path)
    }
}
