//! A place with its keys: content goes in by its hash and comes out compared with it.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::marker::{self, Marker};
use super::place::{Finish, Place, Target};
use super::seal::{Keys, Opening, Sealing, sealed_size};
use super::verify::Verified;
use super::{Blob, Encryption, Manifest, Result, Trouble, Watch, is_id};
use crate::base::clock::Time;
use crate::engines::files::Key;

/// Bytes that are moved at once.
const BUFFER: usize = 256 << 10;

/// See the module. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Vault {
    pub(super) place: Place,
    keys: Option<Keys>,
    instance: String,
}

/// What keeping something has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// BLAKE3 of the content.
    pub hash: Key,
    /// Its bytes.
    pub bytes: u64,
    /// Bytes of the object.
    pub stored: u64,
    /// Was it not there before?
    pub is_new: bool,
}

impl Vault {
    /// Opens a place that holds backups. [`Trouble::Refused`] if it does not, or if the passphrase does not fit.
    pub fn open(target: &Target) -> Result<Vault> {
        let place = Place::open(target)?;
        let marker = Marker::read(&place)?;
        let marker =
            marker.ok_or_else(|| Trouble::Refused(format!("{} holds no backups of VideoPlanet", target.to)))?;
        Vault::with(place, &marker, &target.passphrase)
    }

    /// Opens the place of this instance, and makes it one if nothing is there yet.
    pub fn open_or_make(target: &Target, instance: &str, now: Time) -> Result<Vault> {
        let place = Place::open(target)?;
        let Some(marker) = Marker::read(&place)? else {
            if !place.list("backups")?.is_empty() {
                return Err(Trouble::damaged(marker::NAME, "it is missing, and there are backups beside it"));
            }
            let (marker, keys) = Marker::make(&place, instance, &target.passphrase, now)?;
            return Ok(Vault { place, keys, instance: marker.instance });
        };
        if marker.instance != instance {
            return Err(Trouble::Refused(format!(
                "{} holds the backups of another instance: choose another directory or prefix",
                target.to
            )));
        }
        Vault::with(place, &marker, &target.passphrase)
    }

    fn with(place: Place, marker: &Marker, passphrase: &str) -> Result<Vault> {
        let keys = marker.keys(passphrase)?;
        Ok(Vault { place, keys, instance: marker.instance.clone() })
    }

    /// Whose backups it holds.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// The place.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Is it encrypted?
    pub fn encryption(&self) -> Encryption {
        if self.keys.is_some() { Encryption::Sealed } else { Encryption::None }
    }

    /// Ids of all backups, the newest first.
    pub fn ids(&self) -> Result<Vec<String>> {
        let found = self.place.list("backups")?;
        let mut ids: Vec<String> = found
            .iter()
            .filter_map(|o| o.name.strip_prefix("backups/"))
            .filter(|id| is_id(id))
            .map(str::to_owned)
            .collect();
        ids.sort_by(|a, b| b.cmp(a));
        Ok(ids)
    }

    /// The manifest of a backup.
    pub fn manifest(&self, id: &str) -> Result<Manifest> {
        let name = Manifest::name(id);
        if !is_id(id) {
            return Err(Trouble::Refused(format!("{id} is no id of a backup")));
        }
        let object = self.place.get(&name)?;
        let object = object.ok_or_else(|| Trouble::Refused(format!("there is no backup {id} in the place")))?;
        let body = Manifest::unframe(id, &object)?;
        let mut packed = Vec::new();
        let body: Box<dyn Read + Send> = Box::new(io::Cursor::new(body.to_vec()));
        let mut reader = self.opened(&name, body)?;
        reader.read_to_end(&mut packed).map_err(|e| Trouble::of_io(&format!("cannot read {name}"), e))?;
        Manifest::unpack(id, &packed)
    }

    /// Writes the manifest: from now on it is a backup.
    pub fn finish(&self, manifest: &Manifest) -> Result<()> {
        let name = Manifest::name(&manifest.id);
        let packed = manifest.pack()?;
        let body = match &self.keys {
            None => packed,
            Some(keys) => {
                let body = Memory::default();
                let mut sealing = keys.sealing(&name, Box::new(body.clone()))?;
                sealing.write_all(&packed).map_err(|e| Trouble::failed("the manifest cannot be sealed", e))?;
                sealing.finish()?;
                body.take()
            }
        };
        self.place.put(&name, &Manifest::frame(&body))
    }

    /// Deletes a backup; what it alone needed goes with the next sweep.
    pub fn delete(&self, id: &str) -> Result<()> {
        if !is_id(id) {
            return Err(Trouble::Refused(format!("{id} is no id of a backup")));
        }
        self.place.delete(&Manifest::name(id))?;
        self.place.delete(&Verified::name(id))
    }

    /// Throws away what an earlier backup that was killed has left half-written. The caller holds the lock.
    pub fn tidy(&self) -> Result<()> {
        for left in self.place.list("tmp")? {
            self.place.delete(&left.name)?;
        }
        Ok(())
    }

    /// Objects that hold content, with their bytes.
    pub fn there(&self) -> Result<HashMap<String, u64>> {
        Ok(self.place.list("blobs")?.into_iter().map(|o| (o.name, o.size)).collect())
    }

    /// Objects that a verification has found to be damaged: they are written anew by the next backup that has them.
    pub fn damaged(&self) -> Result<HashSet<String>> {
        let mut damaged = HashSet::new();
        for object in self.place.list("verified")? {
            let verified = object.name.strip_prefix("verified/").map(|id| self.verified(id)).transpose()?.flatten();
            damaged.extend(verified.into_iter().flat_map(|v| v.damaged));
        }
        Ok(damaged)
    }

    /// The object that holds content of this hash, as it is or packed.
    pub fn object(&self, hash: &Key, packed: bool) -> String {
        let hash = hash.hash();
        let name = self.keys.as_ref().map_or(hash, |keys| keys.name(&hash)).to_string();
        format!("blobs/{}/{name}{}", &name[..2], if packed { ".zst" } else { "" })
    }

    /// Bytes of an object that holds so many as they are.
    pub fn stored(&self, bytes: u64) -> u64 {
        if self.keys.is_some() { sealed_size(bytes) } else { bytes }
    }

    /// Keeps files, one behind the other, as they are. They must have `hash`; if they have not (any more),
    /// [`Trouble::Damaged`], and nothing is kept.
    pub fn keep(&self, files: &[PathBuf], hash: &Key, bytes: u64, watch: &Watch) -> Result<Kept> {
        let name = self.object(hash, false);
        let mut out = self.sealed(&name, self.place.write(&name, self.stored(bytes))?)?;
        let (found, copied) = copy(&mut Chain::over(files), &mut out, watch, &name)?;
        if (found, copied) != (*hash, bytes) {
            return Err(Trouble::damaged("the file", "its bytes are not those that it is named by"));
        }
        out.finish()?;
        Ok(Kept { hash: *hash, bytes, stored: self.stored(bytes), is_new: true })
    }

    /// Keeps a file packed by zstd, unless it is there.
    pub fn keep_packed(&self, file: &Path, watch: &Watch) -> Result<Kept> {
        let file = [file.to_owned()];
        let (hash, bytes) = hash(&file, &Watch::silent())?;
        let name = self.object(&hash, true);
        if let Some(stored) = self.place.size(&name)? {
            watch.on(bytes)?;
            return Ok(Kept { hash, bytes, stored, is_new: false });
        }
        let failed = |e| Trouble::of_io(&format!("cannot write {name}"), e);
        let out = self.sealed(&name, self.place.write(&name, self.stored(bytes))?)?;
        let mut encoder = zstd::Encoder::new(out, 3).map_err(failed)?;
        encoder.include_checksum(true).map_err(failed)?;
        let (found, copied) = copy(&mut Chain::over(&file), &mut encoder, watch, &name)?;
        if (found, copied) != (hash, bytes) {
            return Err(Trouble::Failed("a file has changed while it was read".into()));
        }
        encoder.finish().map_err(failed)?.finish()?;
        let stored = self.place.size(&name)?.unwrap_or(0);
        Ok(Kept { hash, bytes, stored, is_new: true })
    }

    /// Reads content as it was written, into `out`; [`Trouble::Damaged`] names the object if it is not what it was.
    pub fn fetch(&self, hash: &Key, bytes: u64, packed: bool, out: &mut impl Write, watch: &Watch) -> Result<()> {
        let name = self.object(hash, packed);
        let opened = self.opened(&name, self.place.read(&name)?)?;
        let damaged = |why: String| Trouble::damaged(name.clone(), why);
        let (found, copied) = if packed {
            let decoder = zstd::Decoder::new(opened).map_err(|e| damaged(e.to_string()))?;
            copy(&mut Unpacking { decoder, name: &name }.take(bytes + 1), out, watch, &name)?
        } else {
            copy(&mut opened.take(bytes + 1), out, watch, &name)?
        };
        if copied != bytes {
            return Err(damaged(format!(
                "it holds {} than the {bytes} bytes that belong there",
                if copied < bytes { "less" } else { "more" }
            )));
        }
        if found != *hash {
            return Err(damaged("its bytes have changed".into()));
        }
        Ok(())
    }

    /// The same for a blob.
    pub fn fetch_blob(&self, blob: &Blob, out: &mut impl Write, watch: &Watch) -> Result<()> {
        self.fetch(&blob.hash, blob.bytes, true, out, watch)
    }

    fn sealed<'n>(&self, name: &'n str, out: Box<dyn Finish>) -> Result<Out<'n>> {
        Ok(match &self.keys {
            None => Out::Plain(out),
            Some(keys) => Out::Sealed(keys.sealing(name, out)?),
        })
    }

    fn opened(&self, name: &str, from: Box<dyn Read + Send>) -> Result<In> {
        Ok(match &self.keys {
            None => In::Plain(from),
            Some(keys) => In::Sealed(keys.opening(name, from)?),
        })
    }
}

/// BLAKE3 and number of the bytes of files, one behind the other.
pub fn hash(files: &[PathBuf], watch: &Watch) -> Result<(Key, u64)> {
    copy(&mut Chain::over(files), &mut io::sink(), watch, "a file")
}

/// Copies all that can be read; answers its hash and how much it was.
fn copy(from: &mut impl Read, to: &mut impl Write, watch: &Watch, name: &str) -> Result<(Key, u64)> {
    let (mut hasher, mut bytes, mut buffer) = (blake3::Hasher::new(), 0, vec![0; BUFFER]);
    loop {
        let got = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(got) => got,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(Trouble::of_io(&format!("cannot read {name}"), e)),
        };
        hasher.update(&buffer[..got]);
        to.write_all(&buffer[..got]).map_err(|e| Trouble::of_io(&format!("cannot write {name}"), e))?;
        bytes += got as u64;
        watch.on(got as u64)?;
    }
    Ok((Key::of(hasher.finalize()), bytes))
}

/// Files, one behind the other; each is open only while it is read.
struct Chain<'f> {
    files: std::slice::Iter<'f, PathBuf>,
    open: Option<File>,
}

impl Chain<'_> {
    fn over(files: &[PathBuf]) -> Chain<'_> {
        Chain { files: files.iter(), open: None }
    }
}

impl Read for Chain<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            match &mut self.open {
                Some(file) => match file.read(out).map_err(unreadable)? {
                    0 => self.open = None,
                    got => return Ok(got),
                },
                None => match self.files.next() {
                    Some(path) => self.open = Some(File::open(path).map_err(unreadable)?),
                    None => return Ok(0),
                },
            }
        }
    }
}

/// A film that cannot be read is damaged; the place is not.
fn unreadable(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::Interrupted => error,
        _ => Trouble::damaged("the file", error.to_string()).into_io(),
    }
}

/// Packed content; what is no error of the place is one of the packing.
struct Unpacking<'n, R: io::BufRead> {
    decoder: zstd::Decoder<'static, R>,
    name: &'n str,
}

impl<R: io::BufRead> Read for Unpacking<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(out).map_err(|e| match Trouble::of_io("", e) {
            Trouble::Failed(_) => Trouble::damaged(self.name, "what is packed in it cannot be read").into_io(),
            trouble => trouble.into_io(),
        })
    }
}

/// What goes into the place.
enum Out<'n> {
    Plain(Box<dyn Finish>),
    Sealed(Sealing<'n>),
}

impl Out<'_> {
    fn finish(self) -> Result<()> {
        match self {
            Out::Plain(out) => out.finish(),
            Out::Sealed(out) => out.finish(),
        }
    }
}

impl Write for Out<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Out::Plain(out) => out.write(bytes),
            Out::Sealed(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Out::Plain(out) => out.flush(),
            Out::Sealed(out) => out.flush(),
        }
    }
}

/// What comes out of it.
enum In {
    Plain(Box<dyn Read + Send>),
    Sealed(Opening),
}

impl Read for In {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            In::Plain(from) => from.read(out),
            In::Sealed(from) => from.read(out),
        }
    }
}

/// A small object in memory.
#[derive(Clone, Default)]
struct Memory(std::sync::Arc<parking_lot::Mutex<Vec<u8>>>);

impl Memory {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock())
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Finish for Memory {
    fn finish(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
