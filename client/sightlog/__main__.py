from sightlog.commands.main import main

main()
