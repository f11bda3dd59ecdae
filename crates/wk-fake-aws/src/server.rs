//! The server: reads requests, verifies them, has them carried out, and answers.

use std::io::{self, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wk_model::{Day, Timestamp};
use wk_seam::clock::Clock;

use crate::answer::{Refusal, Tongue};
use crate::faults::Fault;
use crate::http::{self, Request};
use crate::services::{self, Asked};
use crate::signature;
use crate::world::World;

/// A stand-in that listens until the process ends.
pub struct FakeAws {
    url: String,
    shared: Arc<Shared>,
}

struct Shared {
    world: Mutex<World>,
    asked: Mutex<Vec<Request>>,
    clock: Arc<dyn Clock>,
}

impl FakeAws {
    /// Listens on a free port of loopback; `clock` is the time by which it judges signatures.
    ///
    /// # Errors
    /// If there is no port.
    pub fn start(world: World, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared { world: Mutex::new(world), asked: Mutex::default(), clock });
        let serving = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(&stream));
            }
        });
        Ok(Self { url, shared })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The world, to look at and to change.
    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.shared.world)
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Request> {
        lock(&self.shared.asked).clone()
    }

    /// Lets a fault meet the next requests of an IAM action (`sqs:ReceiveMessage`), so many times.
    pub fn fault(&self, action: &str, fault: Fault, times: u32) {
        self.world().faults.add(action, fault, times);
    }
}

/// Status, body and its type; nothing hangs up.
type Reply = Option<(u16, String, &'static str)>;

impl Shared {
    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Some(request) = http::read(&mut reader) {
            lock(&self.asked).push(request.clone());
            let now = self.clock.now();
            let request_id = format!("fake-{}", lock(&self.world).next_number());
            let Some((status, body, kind)) = self.reply(&request, &request_id, now) else { return };
            let mut out = stream;
            let head = format!(
                "HTTP/1.1 {status} Said\r\nDate: {}\r\nx-amzn-RequestId: {request_id}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
                http_date(now),
                body.len()
            );
            if out.write_all(head.as_bytes()).and_then(|()| out.write_all(body.as_bytes())).is_err()
            {
                return;
            }
        }
    }

    fn reply(&self, request: &Request, request_id: &str, now: Timestamp) -> Reply {
        let mut world = lock(&self.world);
        // Who did not sign has named no service either; the scope tells it, true or not.
        let tongue = Tongue::of(services::claimed(request));
        let refuse = |refusal: &Refusal| {
            let (body, kind) = tongue.refuse(request_id, refusal);
            Some((refusal.status, body, kind))
        };
        let asked = match signature::verify(request, &world, now)
            .and_then(|signed| services::asked(request, &signed, &world))
        {
            Ok(asked) => asked,
            Err(refusal) => return refuse(&refusal),
        };
        let fault = world.faults.take(&asked.permission());
        match fault {
            Some(Fault::HangUp) => return None,
            Some(Fault::Throttle) => {
                return refuse(&Refusal::new(400, throttled(&asked.service), "Rate exceeded"));
            }
            Some(Fault::Error) => {
                return refuse(&Refusal::new(500, "InternalFailure", "it failed"));
            }
            Some(Fault::SilentAfterEffect) | None => {}
        }
        let done =
            allowed(&asked, &world).and_then(|()| services::carry_out(&asked, &mut world, now));
        if fault == Some(Fault::SilentAfterEffect) {
            return None;
        }
        match done {
            Ok(answer) => {
                let (body, kind) = tongue.answer(&asked.action, request_id, &answer);
                Some((200, body, kind))
            }
            Err(refusal) => refuse(&refusal),
        }
    }
}

fn allowed(asked: &Asked, world: &World) -> Result<(), Refusal> {
    let denied = world.denied.contains(&(asked.account.clone(), asked.permission()));
    if !denied {
        return Ok(());
    }
    let why = format!("{} is not authorized to perform: {}", asked.arn, asked.permission());
    Err(match asked.service.as_str() {
        "ec2" => Refusal::new(403, "UnauthorizedOperation", why),
        "sts" => Refusal::new(403, "AccessDenied", why),
        "sns" => Refusal::new(403, "AuthorizationError", why),
        "guardduty" | "securityhub" => Refusal::new(403, "AccessDeniedException", why),
        _ => Refusal::new(400, "AccessDeniedException", why),
    })
}

fn throttled(service: &str) -> &'static str {
    match service {
        "ec2" => "RequestLimitExceeded",
        "sts" | "sns" => "Throttling",
        _ => "ThrottlingException",
    }
}

fn http_date(now: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let day: Day = now.day();
    let (year, month, date) = day.civil();
    let week = usize::try_from(day.number().rem_euclid(7)).unwrap_or(0);
    let month = usize::try_from(month).unwrap_or(1).saturating_sub(1).min(11);
    let of_day = now.seconds().rem_euclid(86_400);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!(
        "{}, {date:02} {} {year} {hour:02}:{minute:02}:{second:02} GMT",
        DAYS[week], MONTHS[month]
    )
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
