//! Which picture a file has, by its name alone.

/// The classes of a file's icon, for `<i class=… aria-hidden="true">`.
pub(crate) fn file_icon_class(name: &str) -> &'static str {
    let name = name.to_ascii_lowercase();
    by_name(&name)
        .or_else(|| by_extension(name.rsplit_once('.').map_or("", |(_, extension)| extension)))
        .unwrap_or("icon file-kind-plain")
}

/// The classes of a folder's icon.
pub(crate) const fn folder_icon_class(expanded: Expanded) -> &'static str {
    match expanded {
        Expanded::Yes => "icon file-kind-folder-open",
        Expanded::No => "icon file-kind-folder",
    }
}

/// Whether a folder shows what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expanded {
    Yes,
    No,
}

impl From<bool> for Expanded {
    fn from(expanded: bool) -> Self {
        if expanded { Self::Yes } else { Self::No }
    }
}

/// Files that are known by their whole name, in lower case.
fn by_name(name: &str) -> Option<&'static str> {
    let stem = name.split('.').next().unwrap_or(name);
    Some(match name {
        "cargo.toml" | "package.json" | "go.mod" | "pyproject.toml" | "requirements.txt" | "pom.xml"
        | "build.gradle" | "composer.json" | "gemfile" => "icon file-kind-package",
        "cargo.lock" | "package-lock.json" | "yarn.lock" | "pnpm-lock.yaml" | "go.sum" | "poetry.lock"
        | "composer.lock" | "gemfile.lock" | "uv.lock" => "icon file-kind-lock",
        "dockerfile"
        | "containerfile"
        | ".dockerignore"
        | "compose.yaml"
        | "compose.yml"
        | "docker-compose.yml"
        | "docker-compose.yaml" => "icon file-kind-container",
        ".gitignore" | ".gitattributes" | ".gitmodules" | ".gitkeep" | ".mailmap" => "icon file-kind-git",
        "makefile" | "justfile" | "cmakelists.txt" | "procfile" | ".editorconfig" | ".env" => {
            "icon file-kind-config"
        }
        ".bashrc" | ".zshrc" | ".profile" | ".bash_profile" => "icon file-kind-shell",
        _ => match stem {
            "license" | "licence" | "copying" | "notice"
                if !name.contains('.') || name.ends_with(".md") || name.ends_with(".txt") =>
            {
                "icon file-kind-license"
            }
            _ if stem.starts_with("license-") => "icon file-kind-license",
            _ if name.starts_with(".env.") => "icon file-kind-config",
            _ if name.starts_with("dockerfile.") => "icon file-kind-container",
            _ => return None,
        },
    })
}

/// Files that are known by what follows the last dot, in lower case.
fn by_extension(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "rs" => "icon file-kind-rust",
        "js" | "mjs" | "cjs" | "jsx" => "icon file-kind-script",
        "ts" | "mts" | "cts" | "tsx" => "icon file-kind-typescript",
        "py" | "pyi" | "pyw" | "ipynb" => "icon file-kind-python",
        "go" => "icon file-kind-go",
        "c" | "h" | "cc" | "cpp" | "cxx" | "hpp" | "hh" | "m" | "mm" | "zig" => "icon file-kind-c",
        "java" | "kt" | "kts" | "scala" | "groovy" | "gradle" | "jar" => "icon file-kind-java",
        "php" => "icon file-kind-php",
        "html" | "htm" | "xhtml" | "vue" | "svelte" | "astro" | "xml" | "xsl" | "xsd" | "jinja" | "j2" => {
            "icon file-kind-web"
        }
        "css" | "scss" | "sass" | "less" | "styl" => "icon file-kind-style",
        "json" | "jsonc" | "json5" | "jsonl" | "ndjson" | "graphql" | "gql" | "proto" => {
            "icon file-kind-data"
        }
        "toml" | "yaml" | "yml" | "ini" | "cfg" | "conf" | "properties" | "env" | "mk" | "cmake" => {
            "icon file-kind-config"
        }
        "md" | "mdx" | "markdown" | "rst" | "adoc" | "tex" => "icon file-kind-markdown",
        "txt" | "text" | "log" | "diff" | "patch" => "icon file-kind-text",
        "sql" | "db" | "sqlite" | "sqlite3" => "icon file-kind-database",
        "sh" | "bash" | "zsh" | "fish" | "ps1" | "bat" | "cmd" => "icon file-kind-shell",
        "png" | "jpg" | "jpeg" | "gif" | "webp" | "svg" | "ico" | "avif" | "bmp" | "tif" | "tiff" => {
            "icon file-kind-image"
        }
        "csv" | "tsv" | "xls" | "xlsx" | "ods" | "parquet" => "icon file-kind-table",
        "zip" | "tar" | "gz" | "tgz" | "bz2" | "xz" | "zst" | "7z" | "rar" => "icon file-kind-archive",
        "mp3" | "wav" | "ogg" | "flac" | "mp4" | "webm" | "mov" | "mkv" | "avi" => "icon file-kind-media",
        "woff" | "woff2" | "ttf" | "otf" | "eot" => "icon file-kind-font",
        "lock" | "pem" | "key" | "crt" | "cer" => "icon file-kind-lock",
        "exe" | "dll" | "so" | "dylib" | "o" | "a" | "bin" | "wasm" | "class" | "pyc" | "pdf" => {
            "icon file-kind-binary"
        }
        "rb" | "lua" | "pl" | "r" | "swift" | "dart" | "ex" | "exs" | "erl" | "hs" | "ml" | "clj" | "cs"
        | "fs" | "jl" | "nim" | "elm" | "sol" => "icon file-kind-code",
        _ => return None,
    })
}
