/* A key pair for tests only, and "Password@1" encrypted to it with python3-cryptography. */
static const char oaep_private_key[] =
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDOqGFovLmAnsVxldMgTNQbhDesu37uMtiwZZg0moc2"
    "TWrFEYcqi5QKT0U61mZURwOSM1gdqoxN5PhP6vd+I005sI7AgeeDh0ASr9MJEEAjW7ldlNFkm6B6F8KMzgN50xF41Udg"
    "LapWsbkT4LkzX9YseRNUkIX89oKkGTqWtpiHBvxrIGOgnY+fGae4GaVSBtgeLYBsGBrAgo8K3ZgU/E9pyIt3OmdrE9eN"
    "DoXNhtsvV4FciLSIDy5j8WjHSkLv3PZdG7R4yCgfb+4j5XULpM6nebujFKJTKwdqMrKcy/kWtCEuB5JMABjFP2Ajk1eo"
    "sTFi1ntggK2uelMBr5LCvBEJAgMBAAECggEABezpyxojMwMKbAL04GeXitjwDDu9jFiooiktk6+NGjNe0Pr7Tk7dfiyu"
    "8lyQp1C4c14VxBb+aiLbNFZrRYJ/Xby4YSBwahLsFUUVltxQjHr+Lgbc+KamM63/+e/TxW/V/8oUv3cbu9vhb8aZJNYW"
    "AuUvVtTEhL/wN8KR7Z2bcr6lN0ImeP7nCKt44aIjhkoblcpq53JbOYMoHae4402uMjMJTZAiOvDZ+qC63Nwi1yf7KuX0"
    "jQRjoShb1zbanpK0459iNJ3Bn6Ad6f2zAvpSxPpAVhliia3y8A4ZoOdBTEs3DRSkdMPNJIdsTBadnCF8TVYGY3wzuXRR"
    "IzQxeOlB8QKBgQDrpO4exaDyB7rlMZUG+nAf6oCPBva8AeKJheGTRw9/qs1t4XbZZqenHxtERF4ZFVP5N+8I4ovmVjlE"
    "Rqfimb94YNutEzvmkr4dTWFe5P4jlbCO8QqcKJvRpk6yXTdQjxEx53OgCV3tfTzxeMY0HdyahdzY3+I4VHWvT9RXreqE"
    "+QKBgQDggnA5SiuhEoqjG/as9oVztQvJPdwOD6YvigNaPIU5EivEhpl4Pmm2vdtZKPp6xw4HXhdV/k+uFhCx1bybXpo4"
    "Go8aE+XmL96l9fQWVMnij4st+drvzFJU6TsDIDY0NrY/+IpwZCVbjFJbY3pVN4tsiS5TmtCHnqPiTuw4DYzAkQKBgGol"
    "PAHugeYkJ0Lwh7HCA9nMlyZWO7RKoRHTld3yp3+Zn7m8Uv3w6No1/+FLbpub6NydHnaBHgWel2My9JL1MLN35dxbiqL9"
    "PNgUMCU/v16mIgbxexcGj9HrOQ3NQYpvN46kNIhFT+MXg+k9vwJg5StR2z5x8wPuv6g9rGfmdnp5AoGBALThQotVr5sB"
    "NkM9p1so7tIPPmSvexi1EP5iIltUQT1+31Zh30nadw9tHUlTU6MRtsLG0uRMlWO7kU3F10QSTwv+kea/u0zeqnJpm3NW"
    "cqUfY1HyaKskofyZQBs/m4wrvGAD3X25ocOFZWEN36TCsIkMaQ+gvntVm9IcJgLvH8SRAoGAKR8D5+WPZk36akz7VMrq"
    "mzqptqo+ujEUtNltLL389XvK3NUAcLaHTF6XngDzUxnZsoNnpiUuLCrLXLnu6SRXb7iCPk4HR1Jb2+FCKmd4AIMU0sqf"
    "ejDvqLXB/NnxD1mhFwydkzbbZsHMXziP9Ut4FtC/lv7PpF3p8b/ysX9xx9k=";
static const char oaep_mgf1_sha256[] =
    "PdIa4JVizfTpSioIFRMrL6MY7UAU5yUQ+0ZH701RqcHH/Ej9rJPVvdOwbEaAsatyxGVRVKM4hFbulVcclUYaDXgVbo3+"
    "EhLT9+KzKAWrUT6C/gfJRarF3usC6obfLjki4XD2N5f1asTz2gdBUlrGgL2xpMNFxo/RAytqtObJIVmvQj8lIQ1QCpMZ"
    "PzJaDd6uo5NH55tiZPLgoinAQXORM2qMIJaTpQrdy2CcnUG77/KB1QknmVueE7ajXQe7j4p58FRKK0zav1HwcDR22eJR"
    "dbLjSfk2oNz981FjAEk1v6mytqorFv2CebBmER6CllqMcbJbTUi5VZ+L18fbg63S2g==";
static const char oaep_mgf1_sha1[] =
    "gd/lGXet39N6DG/+CIzuiQF5ph7mSe/gKWItSFQRfF0X4WPBYC/H96cvejXBFTk3Pvg7s+Pb3HGTf6F1luxk/4pmYrbK"
    "aPYdXQ7v0yfsPJPhPs2Hh2n+hps2wM6vTDse/MKUBtlvQ+CnW/V6duFv+c+iJmOhUY86sXxLSv+dptOF0JbM8LjEM1na"
    "j8Sr2ibnY/MAyR4Mw1DJM12x1vrTzX1PdK/DzrhxDCvn5iGoWUf/ZXshK7Q1bq3b5Y+XF0PSiIDflzupDxaN/ekkea+Y"
    "S/9jnmrWW/itHCf76754H/5N9iT4QNcnnopitPp1xYsfOEIq1U/HHpY8UlLikUAI0w==";
