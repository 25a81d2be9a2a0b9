//! What the dashboard is told: by flags, by the environment, and by a file, in this order.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::credentials;
use super::ehr::{EhrTable, RealEhr};
use super::file::{self, File, NetworkTable, relative_to};
use crate::args::{EhrArgs, NetworkArgs, ServeArgs};
use crate::exit::Failure;
use crate::input;
use crate::log::USUAL;

/// What is asked for besides `openid fhirUser` unless it is said: enough for every part of the page.
const SCOPES: &str = "launch/patient patient/Patient.rs user/Practitioner.rs offline_access";

/// The proxy, which may have a password.
const PROXY: &str = "SMART_PROXY";

/// All of it.
pub(super) struct Settings {
    pub(super) bind: SocketAddr,
    /// Where browsers come back to, if it is said.
    pub(super) redirect_uri: Option<String>,
    pub(super) scope: String,
    pub(super) framed_by: Vec<String>,
    pub(super) help_desk: Option<String>,
    pub(super) has_shown_reports: bool,
    pub(super) log: String,
    /// The real EHRs; where there is none it is the embedded one.
    pub(super) ehrs: Vec<RealEhr>,
    pub(super) published_key_files: Vec<PathBuf>,
    pub(super) network: NetworkArgs,
}

impl Settings {
    pub(super) fn read(args: &ServeArgs) -> Result<Self, Failure> {
        let (file, folder) = match &args.config {
            Some(path) => {
                let file = file::parse(&input::file(path)?)
                    .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
                (file, path.parent().unwrap_or_else(|| Path::new("")))
            }
            None => (File::default(), Path::new("")),
        };
        let is_real = !file.ehr.is_empty() || EhrTable::is_named(&args.ehr);
        if is_real && (args.ask || !args.fault.is_empty()) {
            return Err(Failure::usage(
                "--ask and --fault are for the embedded EHR, and the configuration names a real one",
            ));
        }
        let mut ehrs = ehrs(&args.ehr, file.ehr, folder)?;
        overrule(&mut ehrs, args);
        let framed_by = match args.framed_by.is_empty() {
            true => file.framed_by,
            false => args.framed_by.clone(),
        };
        let published = match args.ehr.published_key_file.is_empty() {
            true => relative_to(folder, file.published_key_files),
            false => args.ehr.published_key_file.clone(),
        };
        let either = |flag: &Option<String>, file: Option<String>| flag.clone().or(file);
        let log = either(&args.log, file.log).unwrap_or_else(|| USUAL.to_owned());
        // Where it is said for one EHR only, it is the app's all the same.
        // Its query is of that EHR alone.
        let of_first = || {
            let first = ehrs.iter().find_map(|it| it.redirect_uri.as_deref());
            first.map(|it| without_query(it).to_owned())
        };
        let redirect_uri = either(&args.redirect_uri, file.redirect_uri).or_else(of_first);
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Ok(Self {
            bind: args.bind.or(file.bind).unwrap_or(anywhere),
            redirect_uri,
            scope: either(&args.scope, file.scope).unwrap_or_else(|| SCOPES.to_owned()),
            framed_by,
            help_desk: either(&args.help_desk, file.help_desk),
            has_shown_reports: args.show_reports || file.show_reports,
            log,
            ehrs,
            published_key_files: published,
            network: network(&args.network, file.network, folder)?,
        })
    }
}

/// The EHRs of the file. Flags and the environment are for one, and do not say which of several.
fn ehrs(args: &EhrArgs, tables: Vec<EhrTable>, folder: &Path) -> Result<Vec<RealEhr>, Failure> {
    let is_named = EhrTable::is_named(args);
    if (is_named || credentials::are_in_environment()) && tables.len() > 1 {
        return Err(Failure::usage(format!(
            "the file has {} EHRs, and a flag or a variable for one of them: write it in its table [[ehr]]",
            tables.len()
        )));
    }
    if tables.is_empty() && !is_named {
        return Ok(Vec::new());
    }
    let tables = match tables.is_empty() {
        true => vec![EhrTable::default()],
        false => tables,
    };
    let is_one = tables.len() == 1;
    let ehrs = tables.into_iter().enumerate().map(|(at, table)| {
        let table = match is_one {
            true => table.overruled_by(args),
            false => table,
        };
        table.read(at, folder, is_one)
    });
    ehrs.collect()
}

/// What stands before the query of a redirect URI.
pub(super) fn without_query(uri: &str) -> &str {
    uri.split_once('?').map_or(uri, |it| it.0)
}

/// What flags and the environment say wins over what the file says of the only EHR, too.
fn overrule(ehrs: &mut [RealEhr], args: &ServeArgs) {
    let [only] = ehrs else {
        return;
    };
    if args.redirect_uri.is_some() {
        only.redirect_uri = None;
    }
    if args.scope.is_some() {
        only.scope = None;
    }
}

fn network(args: &NetworkArgs, file: NetworkTable, folder: &Path) -> Result<NetworkArgs, Failure> {
    let has_password = |it: &Option<String>| it.as_ref().is_some_and(|it| it.contains('@'));
    if has_password(&args.proxy) || has_password(&file.proxy) {
        return Err(Failure::usage(format!(
            "the address of the proxy has a password in it, which is neither for a flag nor for the file: put it \
             into {PROXY}"
        )));
    }
    let variable = match args.proxy {
        None => credentials::variable(PROXY).transpose(),
        Some(_) => Ok(None),
    };
    let proxy = args.proxy.clone();
    let proxy = proxy.or(variable.map_err(Failure::usage)?).or(file.proxy);
    Ok(NetworkArgs {
        allow_loopback: args.allow_loopback || file.allow_loopback,
        allow_network: match args.allow_network.is_empty() {
            true => file.allow_network,
            false => args.allow_network.clone(),
        },
        roots: match &args.roots {
            Some(path) => Some(path.clone()),
            None => file.roots.map(|it| folder.join(it)),
        },
        proxy,
        smart_1_0: args.smart_1_0 || file.smart_1_0,
    })
}
