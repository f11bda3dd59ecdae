//! The objects of the folders that were looked at last: logs and digests of a day lie side by side.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use wk_seam::Answer;
use wk_seam::objects::{Bucket, Object};
use wk_watch::digest::file_name;

/// Folders that are remembered: an hour's logs lie in the folder of its day, or the one beside it.
const FOLDERS: usize = 4;

/// Objects by name.
pub(super) type Folder = Arc<BTreeMap<String, Object>>;

/// Lists folders, each once as long as it is remembered.
pub(super) struct Days {
    bucket: Arc<dyn Bucket>,
    known: VecDeque<(String, Folder)>,
}

impl Days {
    pub(super) fn new(bucket: Arc<dyn Bucket>) -> Self {
        Self { bucket, known: VecDeque::new() }
    }

    /// What lies in a folder; its name ends in a slash.
    pub(super) async fn folder(&mut self, folder: &str) -> Answer<Folder> {
        if let Some((_, known)) = self.known.iter().find(|(name, _)| name == folder) {
            return Ok(known.clone());
        }
        let level = self.bucket.level(folder).await?;
        let named = |object: Object| (file_name(&object.uri).to_owned(), object);
        let objects: Folder = Arc::new(level.objects.into_iter().map(named).collect());
        if self.known.len() >= FOLDERS {
            self.known.pop_front();
        }
        self.known.push_back((folder.to_owned(), objects.clone()));
        Ok(objects)
    }

    /// The object under a key, if it is listed there.
    pub(super) async fn object(&mut self, key: &str) -> Answer<Option<Object>> {
        let (folder, name) = match key.rsplit_once('/') {
            Some((folder, name)) => (format!("{folder}/"), name),
            None => (String::new(), key),
        };
        Ok(self.folder(&folder).await?.get(name).cloned())
    }
}
