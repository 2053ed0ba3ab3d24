"""Advisories at rest: `<data>/advisories.db`, and the ways into it. Derived from elsewhere, so it may be lost.

keeping       AdvisoryFolder, which fulfils services.scans.advisories.AdvisoryKeeping: status, import, update
├── updating      one ecosystem of a dump bucket: what changed since, or all of it
│   └── delta         the bucket's list of changes
├── download      a URL to a file, within limits, gone on with where it was cut
└── importing     one import at a time, in a child process that may die of it
    ├── messages      what the two say to each other: tally is what comes of it
    └── child         the child's own half: source → records → writing; confinement is what it may use
        ├── sources       zip, git repository or folder, by what stands there
        │   └── zip_source · zip_directory · git_source · git_program · folder_source · plain_file
        ├── record_files  which files may be records, by their names
        ├── records       one file's bytes to a record; yaml_records where it is YAML
        └── writing       records to rows, in one transaction
lookup        AdvisoryLookup over the rows as they stood when it was opened
schema        the rows, and how the file is opened
packed        a record's parts, compressed
failures      what can go wrong, and how SQLite's refusals become ours
"""
