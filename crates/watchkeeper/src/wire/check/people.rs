//! Whether people can be told: channels, secrets, routes, mail server, who is on call.

use std::sync::Arc;

use wk_act::notices::{ONCALL, Policy};
use wk_act::notifiers::Shape;
use wk_act::routes::lint;
use wk_courier::{PagerDuty, check_secret};
use wk_seam::clock::Clock as _;
use wk_seam::courier::SecretName;
use wk_seam::pager::Pager as _;

use super::Check;
use crate::clock::SystemClock;
use crate::config::{Config, Home};

/// Without a channel of its own, the register of the built-in routes is the record.
const REGISTER: &str = "register";

impl Check {
    /// What routes say, and whether the channels that they name are there.
    pub(super) fn routes(&mut self, config: &Config, home: &Home) {
        let file =
            std::mem::replace(&mut self.file, home.path().join("routes").display().to_string());
        match home.routes() {
            Err(e) => self.wrong("routes", format!("{e:#}")),
            Ok((routes, bad)) => {
                self.good(
                    "routes",
                    format!("{} routes, the built-in ones among them", routes.all().len()),
                );
                for route in bad {
                    self.file = format!("{}, {}", route.file, route.place);
                    self.wrong("routes", route.why);
                }
                let channels = config.people_mistakes().is_empty().then(|| config.notices().ok());
                let known = channels.flatten().map(|policy| names(&policy));
                for remark in lint(&routes, known.as_deref(), SystemClock.now()) {
                    self.file = format!("{}, line {}", remark.file, remark.line);
                    let instead = remark.instead.map(|text| format!("; write {text}"));
                    let say = format!("{}{}", remark.say, instead.unwrap_or_default());
                    self.doubtful(&format!("route {}", remark.route), say);
                }
            }
        }
        self.file = file;
    }

    /// Channels, times, people, and whether secrets are where they are said to be.
    pub(super) fn people(&mut self, config: &Config) {
        let mistakes = config.people_mistakes();
        let broken = !mistakes.is_empty();
        for (key, why) in mistakes {
            self.wrong(&key, why);
        }
        for (key, name) in secrets(config) {
            match check_secret(&name) {
                Ok(()) => self.good(&key, format!("{} is there", name.0)),
                Err(e) => self.wrong(&key, e.to_string()),
            }
        }
        let Some(policy) = config.notices().ok().filter(|_| !broken) else { return };
        let channels: Vec<String> = policy
            .channels
            .values()
            .map(|of| format!("{} ({})", of.channel.name, of.channel.notifier.name))
            .collect();
        if channels.len() == 1 {
            let say = "there is none but the record: findings are kept, and nobody is told";
            self.doubtful("[channels]", say.to_owned());
        } else {
            self.good("[channels]", channels.join(", "));
        }
        self.on_call(&policy);
    }

    fn on_call(&mut self, policy: &Policy) {
        let steps = policy.escalation.steps.len();
        let asks = policy.escalation.steps.iter().flatten().any(|name| name == ONCALL);
        let rota = !policy.rota.layers.is_empty() || !policy.rota.overrides.is_empty();
        let somebody = rota || policy.oncall_channel.is_some() || policy.asked.is_some();
        if asks && !somebody {
            let say = "oncall is asked, and there is no rota, no channel and no PagerDuty that says who that is";
            self.wrong("[escalation] steps", say.to_owned());
        } else if steps == 0 {
            let say = "nobody is asked when nobody acknowledges";
            self.doubtful("[escalation] steps", say.to_owned());
        } else {
            self.good("[escalation] steps", format!("{steps} steps"));
        }
        if rota {
            let now = SystemClock.now();
            let days = 14;
            let shifts = policy.rota.shifts(now, now.plus_seconds(days * 86_400));
            match shifts.iter().find(|shift| shift.person.is_none()) {
                None => {
                    self.good("[oncall]", format!("somebody is on call for the next {days} days"))
                }
                Some(hole) => {
                    let say = format!("nobody is on call from {} to {}", hole.from, hole.until);
                    self.doubtful("[oncall]", say);
                }
            }
        }
        if policy.asked.is_some() && !rota && policy.oncall_channel.is_none() {
            let say = "nobody is told when PagerDuty does not say who is on call: name an own rota or [oncall] channel";
            self.doubtful("[oncall.pagerduty]", say.to_owned());
        }
    }

    /// What the mail server and PagerDuty say.
    pub(super) async fn people_outside(&mut self, config: &Config) {
        if let Ok(Some(smtp)) = config.smtp() {
            match smtp.try_out().await {
                Ok(say) => self.good("[smtp]", say),
                Err(why) => self.wrong("[smtp]", why),
            }
        }
        if let Ok(Some(asked)) = config.pagerduty() {
            let (key, clock) = ("[oncall.pagerduty]", Arc::new(SystemClock));
            let now = clock.now();
            match PagerDuty::new(clock, &asked.url, asked.token, asked.schedules) {
                Err(e) => self.wrong(key, e.to_string()),
                Ok(pager) => match pager.on_call(now, now.plus_seconds(60)).await {
                    Err(why) => self.wrong(key, why.reason),
                    Ok(all) if all.is_empty() => {
                        self.doubtful(key, "it answers, and has nobody on call now".to_owned());
                    }
                    Ok(all) => {
                        self.good(key, format!("it answers, and has {} people on call", all.len()))
                    }
                },
            }
        }
    }
}

/// Every name that a route may give.
fn names(policy: &Policy) -> Vec<String> {
    let always = [ONCALL, REGISTER].map(str::to_owned);
    policy.channels.keys().chain(policy.people.keys()).cloned().chain(always).collect()
}

/// Every secret that the configuration names, by the key that names it.
fn secrets(config: &Config) -> Vec<(String, SecretName)> {
    let mut all = Vec::new();
    for (name, of) in config.notices().map(|policy| policy.channels).unwrap_or_default() {
        for need in of.channel.notifier.needs {
            if matches!(need.shape, Shape::Secret | Shape::Secrets | Shape::SecretUrl) {
                let said = of.channel.list(need.key).iter();
                // An address may stand there in the open.
                let named = said.filter(|text| !text.starts_with("http"));
                let key = format!("[channels.{name}] {}", need.key);
                all.extend(named.map(|text| (key.clone(), SecretName(text.clone()))));
            }
        }
    }
    let password = config.smtp().ok().flatten().and_then(|smtp| smtp.login);
    all.extend(password.map(|(_, name)| ("[smtp] password".to_owned(), name)));
    let token = config.pagerduty().ok().flatten().map(|asked| asked.token);
    all.extend(token.map(|name| ("[oncall.pagerduty] token".to_owned(), name)));
    all
}
