"""The commands of backup and restore: what they print, refuse and leave."""


def test_a_backup_is_made_checked_and_restored(cli, tmp_path):
    cli("settings", "set", "retain_text=60")
    for _ in range(2):
        made = cli("backup", str(tmp_path / "nightly"), "--keep", "1").out
    assert "secret key is not in it" in made
    (file,) = (tmp_path / "nightly").iterdir()
    assert "Every part is whole." in cli("backup", "--check", str(file)).out
    cli("settings", "set", "retain_text=40")
    assert "No journal" in cli("restore", str(file)).out
    told = {row["name"]: row["value"] for row in cli("settings", "list", "--json").json}
    assert told["retain_text"] == 60
    assert list(cli.home.glob("connector.db.before-*"))
    rows = cli("restore", str(file), "--json").json
    assert (rows["findings"], rows["journal"]) == ([], {})


def test_what_cannot_be_done_says_why(cli, tmp_path):
    (tmp_path / "text.backup").write_text("hello")
    assert "no backup of ours" in cli.refused("restore", str(tmp_path / "text.backup"))
    assert "--keep needs a directory" in cli.refused("backup", str(tmp_path / "x.backup"), "--keep", "2")
    assert "holds no key" in cli.refused(
        "backup", str(tmp_path / "y.backup"), "--key-file", str(tmp_path / "text.backup")
    )  # fmt: skip
    cli("backup", str(tmp_path / "z.backup"))
    assert "no folder" in cli.refused("restore", str(tmp_path / "z.backup"), "--journal", str(tmp_path / "none"))
