//! Mail over TLS, to a server with a certificate of our own making: taken where it is trusted, and no
//! mail and no password where it is not.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::program::{Ended, Home, ended};

/// A mail server that speaks TLS. It is told how it begins and whose name its certificate has, and
/// writes down what it hears, each line with how it came: in the clear, or in TLS.
const SERVER: &str = r#"
import datetime, os, socket, ssl, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

folder, begins, name = sys.argv[1:4]

def made(subject, issuer, issuer_key, ca, names):
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True))
    if names:
        alternative = x509.SubjectAlternativeName([x509.DNSName(n) for n in names])
        builder = builder.add_extension(alternative, critical=False)
    return key, builder.sign(issuer_key or key, hashes.SHA256())

def write(name, *parts):
    path = os.path.join(folder, name)
    with open(path, 'wb') as file:
        for part in parts:
            file.write(part)
    return path

pem = serialization.Encoding.PEM
ca_key, ca = made('test authority', 'test authority', None, True, [])
key, cert = made(name, 'test authority', ca_key, False, [name])
write('ca.pem', ca.public_bytes(pem))
chain = write('server.pem', cert.public_bytes(pem), key.private_bytes(
    pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(chain)
heard = open(os.path.join(folder, 'heard'), 'a', buffering=1)
server = socket.create_server(('localhost', 0), family=socket.AF_INET)
print(server.getsockname()[1], flush=True)

def converse(stream, tls):
    file = stream.makefile('rwb')
    def say(line):
        file.write(line + b'\r\n')
        file.flush()
    say(b'220 mail.test ready')
    data = False
    while True:
        line = file.readline()
        if not line:
            return
        heard.write(('tls ' if tls else 'clear ') + line.decode().rstrip() + '\n')
        verb = line[:4].upper()
        if data:
            data = line != b'.\r\n'
            if not data:
                say(b'250 taken as 42')
        elif verb == b'EHLO' and not tls and begins == 'starttls':
            file.write(b'250-mail.test\r\n250 STARTTLS\r\n')
            file.flush()
        elif verb == b'EHLO':
            file.write(b'250-mail.test\r\n250 AUTH PLAIN LOGIN\r\n')
            file.flush()
        elif verb == b'STAR':
            say(b'220 go on')
            stream = context.wrap_socket(stream, server_side=True)
            file, tls = stream.makefile('rwb'), True
        elif verb == b'AUTH':
            say(b'235 fine')
        elif verb == b'DATA':
            data = True
            say(b'354 go on')
        elif verb == b'QUIT':
            say(b'221 bye')
            return
        else:
            say(b'250 fine')

while True:
    stream, _ = server.accept()
    try:
        if begins == 'tls':
            stream = context.wrap_socket(stream, server_side=True)
        converse(stream, begins == 'tls')
    except (OSError, ssl.SSLError) as error:
        heard.write('broken off: ' + type(error).__name__ + '\n')
    finally:
        stream.close()
"#;

/// The server as a process, and where it writes what it hears.
struct Server {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Server {
    /// `None`, and said so, where there is no Python to run it.
    fn begin(begins: &str, name: &str) -> Option<Self> {
        let python = crate::s3::python()?;
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(python)
            .args(["-c", SERVER])
            .arg(folder.path())
            .args([begins, name])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().unwrap();
        Some(Self { child, folder, port })
    }

    fn heard(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("heard")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Tries the channel; with `trusts`, the authority of the server's certificate is known.
    fn try_mail(&self, security: &str, trusts: bool) -> Ended {
        use std::os::unix::fs::PermissionsExt as _;
        let home = Home::new();
        std::fs::create_dir_all(home.path()).unwrap();
        let secret = home.path().join("secret");
        std::fs::write(&secret, "hunter2").unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        let (port, secret) = (self.port, secret.display());
        let config = format!(
            "[smtp]\nhost = 'localhost'\nport = {port}\nsecurity = '{security}'\nuser = 'watch'\npassword = 'file:{secret}'\n[channels.team]\nkind = 'email'\nfrom = 'watch@example.com'\nto = 'team@example.com'\n"
        );
        std::fs::write(home.path().join("config.toml"), config).unwrap();
        let mut command = home.command(["notify", "test", "team"]);
        if trusts {
            command.env("SSL_CERT_FILE", self.folder.path().join("ca.pem"));
        }
        ended(command.output().unwrap())
    }

    /// No password and no mail came, in whatever way.
    fn heard_nothing_of_worth(&self) {
        let heard = self.heard();
        let worth = ["AUTH", "MAIL", "DATA"];
        let came = heard.iter().find(|line| worth.iter().any(|verb| line.contains(verb)));
        assert_eq!(came, None, "{heard:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn slow_mail_goes_in_tls_from_the_first_byte_or_after_starttls() {
    for security in ["tls", "starttls"] {
        let Some(server) = Server::begin(security, "localhost") else { return };
        let tried = server.try_mail(security, true);
        assert_eq!(tried.code, Some(0), "{security}: {tried:?}");
        assert!(tried.out.contains("taken as 42"), "{tried:?}");
        let heard = server.heard();
        let clear: Vec<&String> = heard.iter().filter(|line| line.starts_with("clear ")).collect();
        let expected = if security == "tls" { 0 } else { 2 };
        assert_eq!(clear.len(), expected, "EHLO and STARTTLS at most: {heard:?}");
        assert!(heard.iter().any(|line| line.starts_with("tls AUTH ")), "{heard:?}");
        assert!(
            heard.iter().any(|line| line.contains("Watchkeeper tries the channel")),
            "{heard:?}"
        );
    }
}

#[test]
fn slow_a_mail_server_that_nobody_vouches_for_gets_no_password_and_no_mail() {
    for security in ["tls", "starttls"] {
        let Some(server) = Server::begin(security, "localhost") else { return };
        let tried = server.try_mail(security, false);
        assert_eq!(tried.code, Some(4), "it is tried again: {security}: {tried:?}");
        assert!(tried.out.contains("certificate"), "{security}: {tried:?}");
        server.heard_nothing_of_worth();
        // Vouched for, but for another name.
        let Some(server) = Server::begin(security, "mail.example.com") else { return };
        let tried = server.try_mail(security, true);
        assert_eq!(tried.code, Some(4), "{security}: {tried:?}");
        assert!(tried.out.contains("certificate"), "{security}: {tried:?}");
        server.heard_nothing_of_worth();
    }
}

#[test]
fn slow_a_mail_server_without_starttls_gets_no_password_and_no_mail() {
    let Some(server) = Server::begin("clear", "localhost") else { return };
    let tried = server.try_mail("starttls", true);
    assert!(matches!(tried.code, Some(3 | 4)), "{tried:?}");
    assert!(tried.out.to_lowercase().contains("starttls"), "{tried:?}");
    server.heard_nothing_of_worth();
}
